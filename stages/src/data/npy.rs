//! Arrays as NumPy's `.npy` files, version 1.0: bytes, and whole numbers of 32 bits.

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// A file of bytes in row-major order.
pub fn of_bytes(shape: &[usize], data: &[u8]) -> Vec<u8> {
    file("|u1", shape, data)
}

/// A file of numbers in row-major order.
pub fn of_numbers(shape: &[usize], data: &[u32]) -> Vec<u8> {
    let data: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
    file("<u4", shape, &data)
}

/// Shape and content of a file of bytes.
///
/// # Errors
/// What is wrong, in words.
pub fn bytes(file: &[u8]) -> Result<(Vec<usize>, &[u8]), String> {
    content(file, "|u1", 1)
}

/// Shape and content of a file of numbers.
///
/// # Errors
/// What is wrong, in words.
pub fn numbers(file: &[u8]) -> Result<(Vec<usize>, Vec<u32>), String> {
    let (shape, data) = content(file, "<u4", 4)?;
    Ok((shape, data.as_chunks::<4>().0.iter().map(|x| u32::from_le_bytes(*x)).collect()))
}

fn file(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let shape = format!("({}{comma})", sizes.join(", "));
    let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, length and header end at a multiple of 64, the header with a line end.
    let length = (MAGIC.len() + 2 + head.len() + 1).next_multiple_of(64) - MAGIC.len() - 2;
    let mut file = MAGIC.to_vec();
    file.extend((length as u16).to_le_bytes());
    file.extend(format!("{head:<width$}\n", width = length - 1).bytes());
    file.extend(data);
    file
}

fn content<'a>(file: &'a [u8], descr: &str, size: usize) -> Result<(Vec<usize>, &'a [u8]), String> {
    let rest = file.strip_prefix(MAGIC).ok_or("expected an npy file of version 1.0")?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or("expected a header, found the end")?;
    let (head, data) = rest
        .split_at_checked(u16::from_le_bytes(*length) as usize)
        .ok_or("expected a header, found the end")?;
    let head = String::from_utf8_lossy(head);
    if !head.contains(&format!("'descr': '{descr}'")) || !head.contains("'fortran_order': False") {
        return Err(format!("expected `{descr}` in row-major order, found the header `{}`", head.trim()));
    }
    let shape = head.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(shape, _)| shape);
    let sizes = shape.unwrap_or_default().split(',').map(str::trim).filter(|s| !s.is_empty());
    let shape: Vec<usize> = sizes
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|_| format!("expected a shape, found the header `{}`", head.trim()))?;
    let count = shape.iter().try_fold(size, |product, n| product.checked_mul(*n));
    if count == Some(data.len()) {
        Ok((shape, data))
    } else {
        Err(format!("expected the bytes of shape {shape:?}, found {} bytes", data.len()))
    }
}
