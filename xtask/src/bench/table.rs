//! The table: one row a figure, with what it stands beside.

use super::Failure;
use std::path::Path;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Milliseconds,
    PerSecond,
    Mebibytes,
    MebibytesPerSecond,
    Count,
}

/// What a figure has to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// Not above the peer's.
    Peer,
    /// So many times the peer's.
    TimesPeer(f64),
}

/// In characters; what a peer says of its failures may be a book.
const LONGEST_REASON: usize = 200;

/// One figure.
#[derive(Debug, Clone)]
pub struct Row {
    pub what: String,
    pub unit: Unit,
    pub fogbank: Option<f64>,
    pub hyper: Option<f64>,
    /// Names and figures; a target that speaks of a peer means the first.
    pub peers: Vec<(String, f64)>,
    pub goal: Option<Goal>,
    /// Why there is no figure.
    pub note: Option<String>,
}

impl Row {
    /// A figure beside the bare server's.
    pub fn new(what: impl Into<String>, unit: Unit, fogbank: f64, hyper: Option<f64>) -> Self {
        Self { what: what.into(), unit, fogbank: Some(fogbank), hyper, peers: Vec::new(), goal: None, note: None }
    }

    /// A figure that could not be measured.
    pub fn skipped(what: impl Into<String>, why: impl ToString) -> Self {
        let why = why.to_string().lines().next().unwrap_or_default().chars().take(LONGEST_REASON).collect();
        let what = what.into();
        Self { what, unit: Unit::Count, fogbank: None, hyper: None, peers: Vec::new(), goal: None, note: Some(why) }
    }

    pub fn with_goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// Puts the peer's figure beside it, if there is one.
    pub fn with_peer(mut self, name: impl Into<String>, figure: Option<f64>) -> Self {
        self.peers.extend(figure.map(|figure| (name.into(), figure)));
        self
    }

    fn number(&self, value: Option<f64>) -> String {
        match (value, self.unit) {
            (None, _) => "–".into(),
            (Some(value), Unit::Milliseconds) if value < 10.0 => format!("{value:.3} ms"),
            (Some(value), Unit::Milliseconds) => format!("{value:.1} ms"),
            (Some(value), Unit::PerSecond) => format!("{value:.0}/s"),
            (Some(value), Unit::Mebibytes) => format!("{value:.1} MiB"),
            (Some(value), Unit::MebibytesPerSecond) => format!("{value:.0} MiB/s"),
            (Some(value), Unit::Count) => format!("{value:.0}"),
        }
    }

    fn goal(&self) -> String {
        match self.goal {
            None => String::new(),
            Some(Goal::AtMost(bound)) => format!("≤ {}", self.number(Some(bound))),
            Some(Goal::AtLeast(bound)) => format!("≥ {}", self.number(Some(bound))),
            Some(Goal::Peer) => "≤ peer".into(),
            Some(Goal::TimesPeer(times)) => format!("≥ {times} × peer"),
        }
    }

    fn verdict(&self) -> &'static str {
        let (Some(goal), Some(ours)) = (self.goal, self.fogbank) else { return "" };
        let met = match (goal, self.peers.first().map(|(_, figure)| *figure)) {
            (Goal::AtMost(bound), _) => ours <= bound,
            (Goal::AtLeast(bound), _) => ours >= bound,
            (Goal::Peer, Some(peer)) => ours <= peer,
            (Goal::TimesPeer(times), Some(peer)) => ours >= times * peer,
            (_, None) => return "no peer",
        };
        if met { "met" } else { "NOT met" }
    }

    fn cells(&self) -> [String; 6] {
        let ours = if self.note.is_some() { "skipped".to_owned() } else { self.number(self.fogbank) };
        let verdict = self.verdict().to_owned();
        let peers: Vec<String> =
            self.peers.iter().map(|(name, figure)| format!("{name} {}", self.number(Some(*figure)))).collect();
        let peers = if peers.is_empty() { "–".to_owned() } else { peers.join(", ") };
        [self.what.clone(), ours, self.number(self.hyper), peers, self.goal(), verdict]
    }
}

/// The rows as a Markdown table that reads well as plain text too, and below it why figures are missing.
pub fn render(rows: &[Row]) -> String {
    let head = ["figure", "Fogbank", "bare hyper", "peers", "target", ""].map(str::to_owned);
    let cells: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let padded = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            1..=2 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(column, width)| match column {
        1..=2 => format!("{}:", "-".repeat(width + 1)),
        _ => "-".repeat(width + 2),
    });
    let rule = format!("|{}|", rule.collect::<Vec<_>>().join("|"));
    let mut lines: Vec<String> = cells.iter().map(line).collect();
    lines.insert(1, rule);
    let mut missing = rows.iter().filter_map(|row| Some((row, row.note.as_ref()?))).peekable();
    if missing.peek().is_some() {
        lines.push(String::new());
    }
    lines.extend(missing.map(|(row, why)| format!("- Skipped: {}: {why}", row.what)));
    lines.join("\n")
}

const END: &str = "<!-- to here -->";

/// Puts `text` between the marks for `name` in the document at `path`, so that one group of figures can be recorded without the others.
pub fn record(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let begin = format!("<!-- cargo xtask bench --record {name} writes from here -->");
    let document = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let marks = document.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = marks.ok_or_else(|| format!("{} has lost the marks {begin} and {END}", path.display()))?;
    Ok(std::fs::write(path, format!("{before}{begin}\n{text}\n{END}{after}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_target_is_met() {
        let verdict = |ours, peer, goal| {
            Row::new("x", Unit::PerSecond, ours, None).with_peer("peer", peer).with_goal(goal).verdict()
        };
        assert_eq!(verdict(25.0, None, Goal::AtMost(25.0)), "met");
        assert_eq!(verdict(25.1, None, Goal::AtMost(25.0)), "NOT met");
        assert_eq!(verdict(1.0, Some(2.0), Goal::Peer), "met");
        assert_eq!(verdict(5.9, Some(2.0), Goal::TimesPeer(3.0)), "NOT met");
        assert_eq!(verdict(5.9, None, Goal::TimesPeer(3.0)), "no peer");
    }

    #[test]
    fn columns_line_up() {
        let rows = [Row::new("a", Unit::Milliseconds, 0.25, Some(12.0)), Row::skipped("gateway", "not there\nyet")];
        let text = render(&rows);
        let widths: Vec<usize> =
            text.lines().take_while(|line| !line.is_empty()).map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
        assert!(text.contains("| 0.250 ms") || text.contains(" 0.250 ms |"), "{text}");
        assert!(text.ends_with("\n\n- Skipped: gateway: not there"), "{text}");
    }
}
