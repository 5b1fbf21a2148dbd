//! How commands print: a progress bar on a terminal, lines elsewhere, JSON when asked.

use crate::platform_api::Message;
use fogbank_deploy::{Event, Stack};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Instant;

/// Shows a deployment as it goes.
pub struct Progress {
    bar: ProgressBar,
    json: bool,
    plain: bool,
    file: String,
    begun: Instant,
    failed: Vec<String>,
    stack: Option<Stack>,
}

impl Progress {
    /// For the template in `file`, whose name goes before the line numbers of problems.
    pub fn new(json: bool, file: String) -> Self {
        let plain = json || !std::io::stderr().is_terminal();
        let bar = if plain { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, json, plain, file, begun: Instant::now(), failed: Vec::new(), stack: None }
    }

    /// Says that something is being built or fetched.
    pub fn note(&self, text: &str) {
        if self.plain && !self.json {
            eprintln!("{text}");
        } else {
            self.bar.set_message(text.to_owned());
        }
    }

    /// Takes one message of the deployment's stream.
    pub fn take(&mut self, line: &[u8]) {
        if self.json {
            println!("{}", String::from_utf8_lossy(line));
        }
        match serde_json::from_slice(line) {
            Ok(Message::Event(event)) => self.event(&event),
            Ok(Message::Done(stack)) => self.stack = Some(*stack),
            Ok(Message::Deleted) => {}
            Ok(Message::Note(text)) => self.note(&text),
            Ok(Message::Problems(problems)) => {
                self.failed.extend(problems.iter().map(|problem| format!("{}:{problem}", self.file)));
            }
            Ok(Message::Failed(reason)) => self.failed.push(reason),
            Ok(Message::Warning(text)) => self.note(&format!("warning: {text}")),
            Err(error) => self.failed.push(format!("the platform sent something that is no message: {error}")),
        }
    }

    fn event(&mut self, event: &Event) {
        let settled = event.status.ends_with("_COMPLETE") || event.status.ends_with("_FAILED");
        if event.kind == "AWS::CloudFormation::Stack" {
            return;
        }
        if settled {
            self.bar.inc(1)
        } else {
            self.bar.inc_length(1)
        }
        let reason = event.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        self.bar.set_message(format!("{} {}", event.id, event.status));
        if self.plain && !self.json && settled {
            eprintln!("{:<24} {:<32} {}{reason}", event.status, event.kind, event.id);
        }
    }

    /// Ends the bar. The deployed stack, or what went wrong.
    pub fn finish(self) -> Result<Option<Stack>, String> {
        self.bar.finish_and_clear();
        if !self.failed.is_empty() {
            return Err(self.failed.join("\n"));
        }
        if let (Some(stack), false) = (&self.stack, self.json) {
            let count = stack.resources.len();
            eprintln!(
                "{}: {} ({count} resources, {:.1} s)",
                stack.name,
                stack.status,
                self.begun.elapsed().as_secs_f64()
            );
        }
        Ok(self.stack)
    }
}

/// Prints rows in columns as wide as they need.
pub fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count()));
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let print = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    print(head.to_vec());
    rows.iter().for_each(|row| print(row.iter().map(String::as_str).collect()));
}
