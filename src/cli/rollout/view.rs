//! How a rollout is shown while it goes on: one block that is drawn anew on a terminal, a line
//! for every event elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::describe::{clock, outcome, phase, strategy};
use super::lines::{self, numbers};
use crate::cli::admin::Event;
use crate::cli::terminal::{Paint, is_coloured, plain};
use crate::lifecycle::{DeliveryStatus, RolloutStatus};
use crate::lifecycle::{Outcome, Verdict};

/// Characters of the bar.
const WIDTH: usize = 40;

pub(super) struct View {
    /// On a terminal.
    block: Option<ProgressBar>,
    began: Instant,
    step: (usize, Instant),
    last: Option<DeliveryStatus>,
    /// A line said so, and need not say it again.
    is_cut_off: bool,
}

impl View {
    pub fn new() -> Self {
        let now = Instant::now();
        let block = std::io::IsTerminal::is_terminal(&std::io::stderr()).then(|| {
            let bar = ProgressBar::new_spinner();
            // A template that can be parsed is what it says.
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            block,
            began: now,
            step: (0, now),
            last: None,
            is_cut_off: false,
        }
    }

    /// The newest state so far, or an older one that came late.
    pub fn take(&mut self, status: &DeliveryStatus, event: Option<&Event>) {
        let last = self.last.as_ref();
        if last.is_some_and(|last| last.generation > status.generation) {
            return;
        }
        let before = last.and_then(|last| last.rollout.as_ref());
        if self.block.is_none() {
            let line = match event {
                // What was seen by looking has been told.
                Some(event) if last != Some(status) => Some(lines::event(event)),
                Some(_) => None,
                None => lines::change(status, before),
            };
            line.into_iter().for_each(|line| eprintln!("{line}"));
        }
        let step = status.rollout.as_ref().map_or(0, |rollout| rollout.step);
        if step != self.step.0 {
            self.step = (step, Instant::now());
        }
        self.last = Some(status.clone());
        self.draw();
    }

    pub fn draw(&self) {
        let rollout = self.last.as_ref().and_then(|last| last.rollout.as_ref());
        if let (Some(block), Some(last), Some(rollout)) = (&self.block, &self.last, rollout) {
            let times = (self.began.elapsed(), self.step.1.elapsed());
            let name = last.component.as_str();
            let mut text = draw(name, rollout, times, is_coloured(&std::io::stderr()));
            if self.is_cut_off {
                text += "\nthe admin API does not answer; trying again";
            }
            block.set_message(text);
        }
    }

    pub fn cut_off(&mut self, is_cut_off: bool) {
        if self.is_cut_off == is_cut_off {
            return;
        }
        self.is_cut_off = is_cut_off;
        if is_cut_off && self.block.is_none() {
            eprintln!("the admin API does not answer; trying again");
        }
        self.draw();
    }
}

impl Drop for View {
    /// What was drawn last stays above what follows.
    fn drop(&mut self) {
        self.draw();
        if let Some(block) = &self.block {
            block.abandon();
        }
    }
}

/// `times`: since the beginning, and in the step.
fn draw(
    component: &str,
    rollout: &RolloutStatus,
    times: (Duration, Duration),
    colour: bool,
) -> String {
    let (strategy, phase) = (strategy(rollout.strategy), phase(rollout.phase));
    let candidate = &rollout.candidate;
    let (all, step) = (clock(times.0), clock(times.1));
    let interval = clock(Duration::from_millis(rollout.interval_ms));
    let title = format!("{component} {candidate}  {strategy}, {phase} after {all}");
    let title = plain(&title);
    let title = match colour {
        true => Paint::Bold.on(&title),
        false => title,
    };
    let mut text = format!(
        "{title}\n{}  {}  {step} of {interval} in this step",
        bar(rollout.percent),
        steps(rollout)
    );
    if let Some(verdict) = &rollout.verdict {
        text += &format!(
            "\ncandidate  {}\nstable     {}\n{}",
            numbers(&verdict.candidate),
            numbers(&verdict.stable),
            judged(verdict, colour)
        );
    }
    text
}

fn judged(verdict: &Verdict, colour: bool) -> String {
    let word = outcome(verdict.outcome);
    let paint = match verdict.outcome {
        Outcome::Pass => Paint::Green,
        Outcome::Fail => Paint::Red,
        Outcome::Inconclusive => Paint::Yellow,
    };
    let word = match colour {
        true => paint.on(word),
        false => word.into(),
    };
    format!("{word}: {}", plain(&verdict.reason))
}

/// `[==========>-----------------------------]`.
fn bar(percent: u8) -> String {
    let done = usize::from(percent.min(100)) * WIDTH / 100;
    let head = if done == WIDTH { "" } else { ">" };
    let rest = WIDTH - done - head.len();
    format!("[{}{head}{}]", "=".repeat(done), "-".repeat(rest))
}

/// `5% (25%) 50% 100%`.
fn steps(rollout: &RolloutStatus) -> String {
    let steps = rollout.steps.iter().enumerate();
    let steps = steps.map(|(place, percent)| match place == rollout.step {
        true => format!("({percent}%)"),
        false => format!("{percent}%"),
    });
    steps.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rollout::samples;

    fn drawn(status: &DeliveryStatus, colour: bool) -> String {
        let times = (Duration::from_secs(192), Duration::from_secs(41));
        draw("cart", status.rollout.as_ref().unwrap(), times, colour)
    }

    #[test]
    fn the_block_shows_step_numbers_and_verdict() {
        let expected = "\
cart 1.5.0  canary, running after 3m12s
[==========>-----------------------------]  5% (25%) 50% 100%  41s of 1m00s in this step
candidate  250 requests, 50 errors (20.00%): 50 traps, p99 12.1 ms
stable     5000 requests, 2 errors (0.04%)
pass: error rate 20.00% is above 1.00%";
        assert_eq!(drawn(&samples::running(1), false), expected);
    }

    #[test]
    fn colour_is_only_added() {
        let coloured = drawn(&samples::running(1), true);
        let plain = ["\u{1b}[1m", "\u{1b}[32m", "\u{1b}[0m"]
            .iter()
            .fold(coloured.clone(), |text, code| text.replace(code, ""));
        assert_ne!(coloured, plain);
        assert_eq!(plain, drawn(&samples::running(1), false));
    }

    #[test]
    fn the_bar_is_as_wide_at_every_percent() {
        for percent in 0..=u8::MAX {
            assert_eq!(bar(percent).len(), WIDTH + 2, "{percent}");
        }
        assert!(bar(0).starts_with("[>") && bar(100).ends_with("==]"));
    }

    #[test]
    fn the_server_cannot_draw() {
        let mut status = samples::running(1);
        if let Some(verdict) = status.rollout.as_mut().and_then(|it| it.verdict.as_mut()) {
            verdict.reason = "x\u{1b}[2J\ny".into();
        }
        let shown = drawn(&status, false);
        assert!(shown.ends_with("\npass: x[2J y"), "{shown:?}");
    }
}
