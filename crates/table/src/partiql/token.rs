//! Cuts a statement into tokens.

/// A part of a statement's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A keyword, a function's name or a name without quotes.
    Word(&'t str),
    /// A name in double quotes.
    Quoted(String),
    /// A string in single quotes.
    Text(String),
    /// A number without a sign.
    Number(&'t str),
    /// An operator or a mark.
    Symbol(&'static str),
    /// What no token begins with.
    Unknown(char),
    /// A quote that is not closed.
    Unclosed,
    /// The end of the text.
    End,
}

/// The longer ones first.
const SYMBOLS: [&str; 24] = [
    "<>", "!=", "<=", ">=", "<<", ">>", "=", "<", ">", "+", "-", "(", ")", "[", "]", "{", "}", ",", ".", ":", "*", "?",
    ";", "|",
];

/// The tokens of `text`, with a [`Token::End`] behind them.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut all = Vec::new();
    let mut rest = beginning(text);
    while let Some(first) = rest.chars().next() {
        let (token, length) = token(rest, first);
        all.push(token);
        rest = beginning(rest.get(length..).unwrap_or_default());
    }
    all.push(Token::End);
    all
}

/// What is left of `text` behind spaces and comments: from `--` to the line's end, and from `/*` to `*/`.
fn beginning(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let line = rest.strip_prefix("--").map(|comment| comment.split_once('\n').unwrap_or_default());
        let inner = || rest.strip_prefix("/*").and_then(|comment| comment.split_once("*/"));
        match line.or_else(inner) {
            Some((_, behind)) => rest = behind.trim_start(),
            None => return rest,
        }
    }
}

/// The token that `rest`, which begins with `first`, begins with, and its length.
fn token(rest: &str, first: char) -> (Token<'_>, usize) {
    match first {
        'a'..='z' | 'A'..='Z' | '_' | '$' => {
            let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
            let length = rest.find(|c| !is_inner(c)).unwrap_or(rest.len());
            (Token::Word(&rest[..length]), length)
        }
        '0'..='9' => {
            let length = number_length(rest);
            (Token::Number(&rest[..length]), length)
        }
        '\'' => quoted(rest, '\'').map_or((Token::Unclosed, rest.len()), |(text, length)| (Token::Text(text), length)),
        '"' => quoted(rest, '"').map_or((Token::Unclosed, rest.len()), |(name, length)| (Token::Quoted(name), length)),
        _ => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            Some(symbol) => (Token::Symbol(symbol), symbol.len()),
            None => (Token::Unknown(first), first.len_utf8()),
        },
    }
}

/// Digits, perhaps with a point and an exponent.
fn number_length(rest: &str) -> usize {
    let digits = |from: usize| from + rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if rest[end..].starts_with('.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

/// What is between quotes, where two quotes are one, and how long it is with them.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut at = 1;
    loop {
        let length = rest[at..].find(quote)?;
        text.push_str(&rest[at..at + length]);
        at += length + 1;
        if !rest[at..].starts_with(quote) {
            return Some((text, at));
        }
        text.push(quote);
        at += 1;
    }
}
