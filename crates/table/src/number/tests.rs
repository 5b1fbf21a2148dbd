use super::{Number, NumberError};

fn number(text: &str) -> Number {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn reads_and_prints() {
    let nines = "9".repeat(38);
    let cases = [
        ("0", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0e999999999999999999999", "0"),
        ("1", "1"),
        ("+1", "1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("007.500", "7.5"),
        ("-0.50", "-0.5"),
        ("1e5", "100000"),
        ("1E+2", "100"),
        ("12.34e1", "123.4"),
        ("12.34e-3", "0.01234"),
        ("1000", "1000"),
        ("0.0010", "0.001"),
        (nines.as_str(), nines.as_str()),
    ];
    for (text, printed) in cases {
        assert_eq!(number(text).to_string(), printed, "{text}");
        assert_eq!(number(printed), number(text));
    }
    assert_eq!(number("1E125").to_string(), format!("1{}", "0".repeat(125)));
    assert_eq!(number("1E-130").to_string(), format!("0.{}1", "0".repeat(129)));
    assert_eq!(number(&format!("1{}.0", "0".repeat(100))), number("1e100"));
}

#[test]
fn refuses_what_is_no_number() {
    let wrong = |text: &str| NumberError::NotNumeric(text.into());
    for text in
        ["abc", "1a", "-", "+", ".", "1e", "e5", "1e+", "1.2.3", "--1", " 1", "1 ", "NaN", "Infinity", "0x1", "1_0"]
    {
        assert_eq!(text.parse::<Number>(), Err(wrong(text)), "{text}");
    }
    assert_eq!(wrong("abc").to_string(), "The parameter cannot be converted to a numeric value: abc");
    let cases = [
        ("", NumberError::Empty),
        ("1E126", NumberError::Overflow),
        ("-1E126", NumberError::Overflow),
        ("1E5000000", NumberError::Overflow),
        ("1E99999999999999999999999999", NumberError::Overflow),
        ("1E-131", NumberError::Underflow),
        ("-1E-5000000", NumberError::Underflow),
        ("1E-99999999999999999999999999", NumberError::Underflow),
        ("123456789012345678901234567890123456789", NumberError::TooPrecise),
        ("1.00000000000000000000000000000000000001", NumberError::TooPrecise),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<Number>(), Err(error), "{text}");
    }
    assert_eq!(format!("1{}1", "0".repeat(1_000_000)).parse::<Number>(), Err(NumberError::TooPrecise));
}

#[test]
fn adds_and_subtracts_exactly() {
    let cases = [
        ("1", "2", "3"),
        ("0.1", "0.2", "0.3"),
        ("1", "-1", "0"),
        ("0", "-5", "-5"),
        ("0.001", "0", "0.001"),
        ("100", "-0.01", "99.99"),
        ("-100", "0.01", "-99.99"),
        ("1e37", "1", "10000000000000000000000000000000000001"),
        ("5e37", "5e37", "1e38"),
        ("99999999999999999999999999999999999999", "1", "1e38"),
        ("1e125", "-1e125", "0"),
    ];
    for (left, right, sum) in cases {
        assert_eq!(number(left).checked_add(number(right)), Ok(number(sum)), "{left} + {right}");
        assert_eq!(number(right).checked_add(number(left)), Ok(number(sum)), "{right} + {left}");
        assert_eq!(number(sum).checked_sub(number(right)), Ok(number(left)), "{sum} - {right}");
    }
    let (nines, eights) = ("99999999999999999999999999999999999999e87", "99999999999999999999999999999999999998e87");
    let fails = [
        ("1e125", "1", NumberError::TooPrecise),
        ("1e125", "-1e-130", NumberError::TooPrecise),
        ("1e38", "1", NumberError::TooPrecise),
        ("9e125", "9e125", NumberError::Overflow),
        ("12345678901234567890123456789012345678", "0.1", NumberError::TooPrecise),
        (nines, eights, NumberError::TooPrecise),
    ];
    for (left, right, error) in fails {
        assert_eq!(number(left).checked_add(number(right)), Err(error), "{left} + {right}");
    }
}

#[test]
fn truncates() {
    for (text, whole) in
        [("1.9", Some(1)), ("-1.9", Some(-1)), ("1e3", Some(1000)), ("1e-100", Some(0)), ("1e30", None)]
    {
        assert_eq!(number(text).truncated(), whole, "{text}");
    }
    assert_eq!(number("1e125").truncated(), None);
    assert_eq!(Number::from(i64::MIN).truncated(), Some(i64::MIN));
}

#[test]
fn counts_bytes() {
    for (text, size) in [("0", 1), ("1", 2), ("12", 2), ("123", 3), ("-123", 4), ("1e100", 2)] {
        assert_eq!(number(text).size(), size, "{text}");
    }
}

/// A small generator, so that a failure repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    fn number(&mut self) -> (i64, Number) {
        let size = 10i64.pow(self.below(7) as u32);
        let digits = self.below(size as u64 * 2 + 1) as i64 - size;
        let behind = self.below(6) as u32;
        (digits * 10i64.pow(6 - behind), number(&format!("{digits}e-{behind}")))
    }
}

fn encoded(number: Number) -> Vec<u8> {
    let mut bytes = Vec::new();
    number.encode_ordered(&mut bytes);
    bytes
}

#[test]
fn agrees_with_whole_numbers() {
    let mut random = Random(7);
    for _ in 0..20_000 {
        let ((a, left), (b, right)) = (random.number(), random.number());
        assert_eq!(left.cmp(&right), a.cmp(&b), "{left} and {right}");
        assert_eq!(left.checked_add(right), Ok(number(&format!("{}e-6", a + b))), "{left} + {right}");
        assert_eq!(left.checked_sub(right), Ok(number(&format!("{}e-6", a - b))), "{left} - {right}");
        assert_eq!(number(&left.to_string()), left);
        assert_eq!(encoded(left).cmp(&encoded(right)), a.cmp(&b), "{left} and {right}");
        assert_eq!(Number::decode_ordered(&[&encoded(left)[..], b"rest"].concat()), Some((left, &b"rest"[..])));
    }
}

#[test]
fn orders_bytes_of_extremes() {
    let texts =
        ["-9.9999999999999999999999999999999999999E125", "-1E125", "-1.01", "-1", "-0.1", "-1E-130", "0", "1E-130"];
    let more = ["0.1", "1", "1.0000000000000000000000000000000000001", "1.01", "1.1", "10", "99", "100", "1E125"];
    let all: Vec<_> = texts.iter().chain(&more).map(|text| encoded(number(text))).collect();
    assert!(all.is_sorted());
    for (bytes, text) in all.iter().zip(texts.iter().chain(&more)) {
        assert!(bytes.len() <= 22, "{text}");
        assert_eq!(Number::decode_ordered(bytes), Some((number(text), &b""[..])), "{text}");
    }
}

#[test]
fn decodes_nothing_but_numbers() {
    let mut random = Random(3);
    for _ in 0..50_000 {
        let mut bytes: Vec<u8> = (0..random.below(25)).map(|_| random.below(256) as u8).collect();
        if let Some(first) = bytes.first_mut() {
            *first %= 5;
        }
        if let Some((number, rest)) = Number::decode_ordered(&bytes) {
            assert_eq!([&encoded(number)[..], rest].concat(), bytes);
        }
    }
}
