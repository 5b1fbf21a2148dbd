//! One field of a cron expression: which numbers it allows.

/// What a field's numbers and names are.
pub(super) struct Kind {
    pub min: u16,
    pub max: u16,
    /// Names of the numbers from `min` on.
    pub names: &'static [&'static str],
}

pub(super) const MINUTE: Kind = Kind { min: 0, max: 59, names: &[] };
pub(super) const HOUR: Kind = Kind { min: 0, max: 23, names: &[] };
pub(super) const DAY: Kind = Kind { min: 1, max: 31, names: &[] };
pub(super) const MONTH: Kind = Kind {
    min: 1,
    max: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
pub(super) const WEEKDAY: Kind = Kind { min: 1, max: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
pub(super) const YEAR: Kind = Kind { min: 1970, max: 2199, names: &[] };

/// A set of a field's numbers: bit `number - min`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    min: u16,
    bits: [u64; 4],
}

impl Numbers {
    /// Reads a list of numbers, ranges and steps.
    pub(super) fn parse(text: &str, kind: &Kind) -> Option<Self> {
        let mut numbers = Self { min: kind.min, bits: [0; 4] };
        for part in text.split(',') {
            numbers.add(part, kind)?;
        }
        Some(numbers)
    }

    fn add(&mut self, part: &str, kind: &Kind) -> Option<()> {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(number(step).filter(|step| (1..=kind.max).contains(step))?)),
            None => (part, None),
        };
        let (from, to) = match span.split_once('-') {
            _ if span == "*" => (kind.min, kind.max),
            Some((from, to)) => (kind.number(from)?, kind.number(to)?),
            None => {
                let from = kind.number(span)?;
                // A start with a step goes on to the end.
                (from, if step.is_some() { kind.max } else { from })
            }
        };
        let size = kind.max - kind.min + 1;
        // A range may go over the end: FRI-MON.
        let length = if to >= from { to - from } else { to + size - from };
        for offset in (0..=length).step_by(usize::from(step.unwrap_or(1))) {
            let at = usize::from((from - kind.min + offset) % size);
            self.bits[at / 64] |= 1 << (at % 64);
        }
        Some(())
    }

    pub(super) fn contains(&self, number: u16) -> bool {
        let at = usize::from(number.wrapping_sub(self.min));
        self.bits.get(at / 64).is_some_and(|bits| bits & (1 << (at % 64)) != 0)
    }
}

impl Kind {
    /// A number or a name of this field.
    pub(super) fn number(&self, text: &str) -> Option<u16> {
        let named = self.names.iter().zip(self.min..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|(_, number)| number).or_else(|| number(text)).filter(|number| (self.min..=self.max).contains(number))
    }
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}
