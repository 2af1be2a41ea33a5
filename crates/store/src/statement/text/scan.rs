//! Finding the ends of words, lines, names, literals and comments in SQL, at compile time.

/// Where the comment, literal, quoted name or dollar quote that begins at `at` ends: at `at` when there
/// is none.
pub(super) const fn skip_opaque(bytes: &[u8], at: usize) -> usize {
    if starts_with(bytes, at, b"--") {
        line_end(bytes, at)
    } else if starts_with(bytes, at, b"/*") {
        end_of(bytes, at + 2, b"*/")
    } else if bytes[at] == b'\'' || bytes[at] == b'"' {
        end_of(bytes, at + 1, &[bytes[at]])
    } else if starts_with(bytes, at, b"$$") {
        end_of(bytes, at + 2, b"$$")
    } else {
        at
    }
}

/// Where the text goes on after the next occurrence of `mark`.
const fn end_of(bytes: &[u8], mut at: usize, mark: &[u8]) -> usize {
    while !starts_with(bytes, at, mark) {
        assert!(at < bytes.len(), "a literal or comment has no end");
        at += 1;
    }
    at + mark.len()
}

pub(super) const fn line_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'\n' {
        at += 1;
    }
    at
}

pub(super) const fn skip(bytes: &[u8], mut at: usize, byte: u8) -> usize {
    while at < bytes.len() && bytes[at] == byte {
        at += 1;
    }
    at
}

/// Where the name that begins at `at` ends: at `at` when there is none.
pub(super) const fn name_end(bytes: &[u8], mut at: usize) -> usize {
    if at < bytes.len() && !(bytes[at].is_ascii_lowercase() || bytes[at] == b'_') {
        return at;
    }
    while at < bytes.len()
        && (bytes[at].is_ascii_lowercase() || bytes[at].is_ascii_digit() || bytes[at] == b'_')
    {
        at += 1;
    }
    at
}

pub(super) const fn between(bytes: &[u8], at: usize, end: usize) -> &[u8] {
    bytes.split_at(end).0.split_at(at).1
}

pub(super) const fn starts_with(bytes: &[u8], at: usize, start: &[u8]) -> bool {
    if at + start.len() > bytes.len() {
        return false;
    }
    let mut offset = 0;
    while offset < start.len() {
        if bytes[at + offset] != start[offset] {
            return false;
        }
        offset += 1;
    }
    true
}

const fn is(bytes: &[u8], at: usize, end: usize, word: &[u8]) -> bool {
    end - at == word.len() && starts_with(bytes, at, word)
}

pub(super) const fn find_parameter(
    bytes: &[u8],
    at: usize,
    end: usize,
    parameters: &[&str],
) -> Option<usize> {
    let mut index = 0;
    while index < parameters.len() {
        if is(bytes, at, end, parameters[index].as_bytes()) {
            return Some(index);
        }
        index += 1;
    }
    None
}

pub(super) const fn find_constant(
    bytes: &[u8],
    at: usize,
    end: usize,
    constants: &[(&str, &str)],
) -> Option<usize> {
    let mut index = 0;
    while index < constants.len() {
        if is(bytes, at, end, constants[index].0.as_bytes()) {
            return Some(index);
        }
        index += 1;
    }
    None
}

/// Pieces are declared without the `.sql` that files name them with.
pub(super) const fn find_piece(
    bytes: &[u8],
    at: usize,
    end: usize,
    pieces: &[(&str, &str)],
) -> Option<usize> {
    if end < at + 4 || !starts_with(bytes, end - 4, b".sql") {
        return None;
    }
    find_constant(bytes, at, end - 4, pieces)
}
