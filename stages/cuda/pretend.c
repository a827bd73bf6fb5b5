// A driver with one GPU, whose memory is the host's: enough of it to run what moves memory and launches no kernel. It
// refuses what a real one would: a thread without a context, memory that is not the GPU's, more than was allocated.
// Whatever else is asked of it is answered as by the stub, whose definitions are weak. `try.sh` uses it.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t Address;
enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201 };

// An address of the GPU's is no address of the host's, so that using it as one ends the process.
static const Address GPU = (Address)1 << 62;
static char context;
static __thread void *current;

typedef struct {
    size_t size;
    size_t held;
} Head;
static const size_t HELD = 0x6d656d6f7279;

static Head *head(Address address) {
    Head *found = (Head *)(uintptr_t)(address - GPU) - 1;
    return address >= GPU && found->held == HELD ? found : NULL;
}

int cuInit(unsigned flags) { return OK; }
int cuDeviceGetCount(int *count) { return *count = 1, OK; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, ordinal == 0 ? OK : 101; }
int cuDeviceGetAttribute(int *value, int attribute, int device) { return *value = 1, OK; }
int cuDevicePrimaryCtxRetain(void **found, int device) { return *found = &context, OK; }
int cuDevicePrimaryCtxRelease_v2(int device) { return OK; }
int cuCtxSetCurrent(void *given) { return current = given, OK; }

int cuEventCreate(void **event, unsigned flags) { return *event = &context, current ? OK : INVALID_CONTEXT; }
int cuEventRecord(void *event, void *stream) { return current ? OK : INVALID_CONTEXT; }
int cuEventDestroy_v2(void *event) { return current ? OK : INVALID_CONTEXT; }
int cuStreamCreate(void **stream, unsigned flags) { return *stream = &context, current ? OK : INVALID_CONTEXT; }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) { return current ? OK : INVALID_CONTEXT; }
int cuStreamSynchronize(void *stream) { return current ? OK : INVALID_CONTEXT; }
int cuStreamDestroy_v2(void *stream) { return current ? OK : INVALID_CONTEXT; }

int cuMemAllocAsync(Address *address, size_t size, void *stream) {
    if (!current) return INVALID_CONTEXT;
    Head *made = malloc(sizeof(Head) + size);
    if (!made) return OUT_OF_MEMORY;
    *made = (Head){size, HELD};
    // What was never written is no number.
    memset(made + 1, 0xff, size);
    *address = GPU + (uintptr_t)(made + 1);
    return OK;
}

int cuMemFreeAsync(Address address, void *stream) {
    Head *found = head(address);
    if (!current) return INVALID_CONTEXT;
    if (!found) return INVALID_VALUE;
    found->held = 0;
    free(found);
    return OK;
}

int cuMemsetD8Async(Address to, unsigned char byte, size_t size, void *stream) {
    Head *found = head(to);
    if (!current) return INVALID_CONTEXT;
    if (!found || size > found->size) return INVALID_VALUE;
    memset(found + 1, byte, size);
    return OK;
}

int cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t size, void *stream) {
    Head *found = head(to);
    if (!current) return INVALID_CONTEXT;
    if (!found || size > found->size || (uintptr_t)from >= GPU) return INVALID_VALUE;
    memcpy(found + 1, from, size);
    return OK;
}

int cuMemcpyDtoHAsync_v2(void *to, Address from, size_t size, void *stream) {
    Head *found = head(from);
    if (!current) return INVALID_CONTEXT;
    if (!found || size > found->size || (uintptr_t)to >= GPU) return INVALID_VALUE;
    memcpy(to, found + 1, size);
    return OK;
}

int cuMemcpyDtoDAsync_v2(Address to, Address from, size_t size, void *stream) {
    Head *source = head(from);
    return source && size <= source->size ? cuMemcpyHtoDAsync_v2(to, source + 1, size, stream) : INVALID_VALUE;
}

// The library of products asks a real driver for a real GPU as soon as it is opened; nothing is asked of it.
int cublasCreate_v2(void **handle) { return *handle = &context, current ? OK : 1; }
int cublasSetStream_v2(void *handle, void *stream) { return OK; }
int cublasDestroy_v2(void *handle) { return OK; }
