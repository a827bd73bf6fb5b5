"""Updates, moving averages and learning rates."""

import torch
from case import keep, normal
from torch import nn


def optimisers():
    """Numbers after each of five steps on Σ (p − target)², and with the norm of the gradient clipped to 1."""
    rules = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.05),
        "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05),
        "sgd_nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05),
        "adam": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.05),
        "adam_w": lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.05),
    }
    for name, rule in rules.items():
        for clip in [False, True]:
            p, target = normal(6), normal(6)
            start = p.clone()
            p.requires_grad_(True)
            optimizer = rule([p])
            after = []
            for _ in range(5):
                optimizer.zero_grad()
                ((p - target) ** 2).sum().backward()
                if clip:
                    nn.utils.clip_grad_norm_([p], 1.0)
                optimizer.step()
                after.append(p.detach().clone())
            keep(f"optim_{name}{'_clip' if clip else ''}", {"p": start, "target": target, "after": torch.stack(after)})
    model = nn.Linear(3, 1, bias=False)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    average.update_parameters(model)
    seen, means = [model.weight.detach().clone()], []
    for _ in range(4):
        with torch.no_grad():
            model.weight.copy_(normal(1, 3))
        average.update_parameters(model)
        seen.append(model.weight.detach().clone())
        means.append(average.module.weight.detach().clone())
    keep("average", {"seen": torch.cat(seen), "means": torch.cat(means)})
    # Two parameters, each clipped alone with its decay inside.
    numbers, targets = [normal(4), normal(3)], [normal(4), 0.1 * normal(3)]
    start = torch.cat(numbers)
    numbers = [p.clone().requires_grad_(True) for p in numbers]
    optimizer, after = torch.optim.SGD(numbers, lr=0.1, momentum=0.9), []
    for _ in range(5):
        optimizer.zero_grad()
        sum(((p - target) ** 2).sum() + 0.025 * (p**2).sum() for p, target in zip(numbers, targets)).backward()
        for p in numbers:
            nn.utils.clip_grad_norm_([p], 0.5)
        optimizer.step()
        after.append(torch.cat([p.detach() for p in numbers]))
    keep("optim_sgd_clip_each", {"p": start, "target": torch.cat(targets), "after": torch.stack(after)})


def schedules():
    """The learning rate at each of 30 steps, of a peak of 1."""
    from torch.optim import lr_scheduler as lr

    def warmed(o, warmup, rest):
        up = lr.LinearLR(o, start_factor=1 / (warmup + 1), total_iters=warmup)
        return lr.SequentialLR(o, [up, rest], [warmup])

    total = 30
    rules = {
        "linear": lambda o: lr.LinearLR(o, 1.0, 0.0, total),
        "linear_warm": lambda o: warmed(o, 6, lr.LinearLR(o, 1.0, 0.0, total - 6)),
        "cosine": lambda o: lr.CosineAnnealingLR(o, total, 0.05),
        "cosine_warm": lambda o: warmed(o, 6, lr.CosineAnnealingLR(o, total - 6, 0.05)),
        "steps": lambda o: lr.MultiStepLR(o, [7, 20], 0.3),
        "cyclic": lambda o: lr.CyclicLR(o, 0.1, 1.0, step_size_up=4, cycle_momentum=False),
    }
    for name, rule in rules.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        schedule = rule(optimizer)
        rates = []
        for _ in range(total):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        keep(f"schedule_{name}", {"rates": torch.tensor(rates)})
