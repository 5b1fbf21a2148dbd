//! Cuts the text of an expression into tokens.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// An attribute's name, a function's name or a keyword.
    Word,
    /// `#name`.
    Name,
    /// `:value`.
    Value,
    /// Digits: a list's index.
    Number,
    /// An operator or a mark.
    Symbol,
    /// What no token begins with.
    Unknown,
    /// The end of the text.
    End,
}

/// A part of an expression's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

/// The tokens of `text`, with a [`TokenKind::End`] behind them.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut all = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let (kind, length) = token(&text[start..], first);
        if !first.is_whitespace() {
            all.push(Token { kind, start, end: start + length });
        }
        start += length;
    }
    all.push(Token { kind: TokenKind::End, start: text.len(), end: text.len() });
    all
}

/// The kind and length of the token that `rest`, which begins with `first`, begins with.
fn token(rest: &str, first: char) -> (TokenKind, usize) {
    let word = |from: usize| from + rest[from..].bytes().take_while(|byte| is_name_byte(*byte)).count();
    match first {
        // A name that begins with an underscore needs a placeholder.
        'a'..='z' | 'A'..='Z' => (TokenKind::Word, word(0)),
        '0'..='9' => (TokenKind::Number, rest.bytes().take_while(u8::is_ascii_digit).count()),
        '#' if word(1) > 1 => (TokenKind::Name, word(1)),
        ':' if word(1) > 1 => (TokenKind::Value, word(1)),
        '<' if rest.starts_with("<>") || rest.starts_with("<=") => (TokenKind::Symbol, 2),
        '>' if rest.starts_with(">=") => (TokenKind::Symbol, 2),
        '=' | '<' | '>' | '+' | '-' | '(' | ')' | '[' | ']' | ',' | '.' => (TokenKind::Symbol, 1),
        other => (TokenKind::Unknown, other.len_utf8()),
    }
}

pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
