//! How a run or a sweep is followed: a bar on a terminal, plain lines elsewhere, always on the standard error
//! stream; and how Ctrl-C reaches it.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jetspace::run::{Member, MemberResult, Observer, Step};
use jetspace::sweep::{Point, Watcher};
use jetspace::training::Stop;

use crate::Failure;

/// Time between plain lines.
const LINES_EVERY: Duration = Duration::from_secs(10);
/// Time between changes of the bar: steps can take microseconds.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// Shows how a run goes on.
pub struct Progress {
    bar: Option<ProgressBar>,
    stop: Arc<AtomicBool>,
    name: String,
    began: Instant,
    /// Steps of an earlier sitting.
    began_at: Option<u64>,
    shown: Instant,
}

impl Progress {
    /// Shows progress from now on, and listens to Ctrl-C.
    pub fn new() -> Result<Self, Failure> {
        let (stop, bar) = (stop_on_interrupt()?, new_bar());
        let now = Instant::now();
        Ok(Self { bar, stop, name: String::new(), began: now, began_at: None, shown: now })
    }

    /// A line that stays.
    fn print(&self, line: String) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    fn rate(&self, done: u64) -> f64 {
        let since = done.saturating_sub(self.began_at.unwrap_or(0));
        since as f64 / self.began.elapsed().as_secs_f64().max(1e-9)
    }
}

impl Observer for Progress {
    fn begin(&mut self, member: &Member, number: usize, count: usize, _: &[String]) {
        self.name = format!("[{number}/{count}] {}", member.name());
        (self.began, self.shown, self.began_at) = (Instant::now(), Instant::now(), None);
        match &self.bar {
            Some(bar) => {
                bar.reset();
                bar.set_prefix(self.name.clone());
            }
            None => eprintln!("{}", self.name),
        }
    }

    fn step(&mut self, step: &Step<'_>) {
        if self.began_at.is_none() {
            self.began_at = Some(step.evaluations);
        }
        let every = if self.bar.is_some() { BAR_EVERY } else { LINES_EVERY };
        if self.shown.elapsed() < every {
            return;
        }
        self.shown = Instant::now();
        let (done, total) = step.steps;
        let rate = self.rate(step.evaluations);
        let left = total.saturating_sub(done) as f64 / rate.max(1e-9);
        let terms: Vec<String> = step
            .labels
            .iter()
            .zip(step.terms)
            .map(|(label, t)| format!("{label} {t:.2e}"))
            .collect();
        let state = format!(
            "loss {:.3e} ({})  {rate:.0} steps/s  {} left",
            step.loss,
            terms.join(", "),
            duration(left)
        );
        match &self.bar {
            Some(bar) => {
                bar.set_length(total.max(1));
                bar.set_position(done.min(total));
                bar.set_message(state);
            }
            None => eprintln!("{}  {} of {total} steps  {state}", self.name, done.min(total)),
        }
    }

    fn stop(&mut self, stop: &Stop) {
        self.print(format!("{}  {stop}", self.name));
    }

    fn end(&mut self, result: &MemberResult) {
        let metrics: Vec<String> =
            result.metrics.iter().map(|(name, value)| format!("{name} {value:.3e}")).collect();
        self.print(format!(
            "{}  {:.1} s, {} evaluations: {}",
            self.name,
            result.seconds,
            result.evaluations,
            metrics.join(", ")
        ));
    }

    fn wants_to_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Becomes true at Ctrl-C.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        // The second time, at once: every file is whole at any time.
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })?;
    Ok(stop)
}

/// A bar, where there is a terminal.
fn new_bar() -> Option<ProgressBar> {
    std::io::stderr().is_terminal().then(|| {
        let template = "{prefix}  {bar:24.cyan/dim} {percent:>3} %  {msg}";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr())
            .with_style(style.progress_chars("━━╌"))
    })
}

/// Shows how a sweep goes on.
pub struct SweepProgress {
    bar: Option<ProgressBar>,
    stop: Arc<AtomicBool>,
    began: Instant,
    state: Mutex<SweepState>,
}

/// How far a sweep has come, in trainings.
struct SweepState {
    count: usize,
    /// Done in an earlier sitting, and in this one.
    found: usize,
    done: usize,
    /// How far the training of each worker is, from 0 to 1, and how far it was when first seen.
    under_way: BTreeMap<usize, (f64, f64)>,
    shown: Instant,
}

impl SweepProgress {
    /// Shows progress from now on, and listens to Ctrl-C.
    pub fn new() -> Result<Self, Failure> {
        let now = Instant::now();
        let under_way = BTreeMap::new();
        let state = SweepState { count: 0, found: 0, done: 0, under_way, shown: now };
        let (stop, bar) = (stop_on_interrupt()?, new_bar());
        Ok(Self { bar, stop, began: now, state: Mutex::new(state) })
    }

    /// Changes the state, and shows it from time to time.
    fn change(&self, change: impl FnOnce(&mut SweepState)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let every = if self.bar.is_some() { BAR_EVERY } else { LINES_EVERY };
        if state.shown.elapsed() < every {
            return;
        }
        state.shown = Instant::now();
        let text = state.text(self.began.elapsed());
        match &self.bar {
            Some(bar) => {
                bar.set_length((1000 * state.count.max(1)) as u64);
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A position.
                bar.set_position((1000.0 * state.position()) as u64);
                bar.set_message(text);
            }
            None => eprintln!("{text}"),
        }
    }
}

impl SweepState {
    fn position(&self) -> f64 {
        let parts: f64 = self.under_way.values().map(|(part, _)| part).sum();
        (self.found + self.done) as f64 + parts
    }

    fn text(&self, elapsed: Duration) -> String {
        let here: f64 = self.under_way.values().map(|(part, first)| part - first).sum();
        let rate = (self.done as f64 + here) / elapsed.as_secs_f64().max(1e-9);
        let left = (self.count as f64 - self.position()).max(0.0) / rate.max(1e-9);
        format!(
            "{} of {} trainings  {:.1} per minute  {} left",
            self.found + self.done,
            self.count,
            60.0 * rate,
            duration(left)
        )
    }
}

impl Watcher for SweepProgress {
    fn begin(&self, trainings: usize) {
        self.change(|state| state.count = trainings);
    }

    fn found(&self, trainings: usize) {
        self.change(|state| state.found += trainings);
    }

    fn step(&self, worker: usize, part: f64) {
        self.change(|state| state.under_way.entry(worker).or_insert((part, part)).0 = part);
    }

    fn end(&self, worker: usize, point: &Point, result: &MemberResult) {
        let metric = result.metrics.iter().find(|(name, _)| *name == "relative");
        let metric = metric.or(result.metrics.first());
        let what = match metric {
            _ if result.diverged() => "diverged".to_owned(),
            Some((name, value)) => format!("{name} {value:.3e}"),
            None => "done".to_owned(),
        };
        let seconds = result.seconds;
        let name = format!("{} {}-{}", point.name, result.method, result.seed);
        let line = format!("{name}  {seconds:.1} s: {what}");
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
        self.change(|state| {
            state.under_way.remove(&worker);
            state.done += 1;
        });
    }

    fn wants_to_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

impl Drop for SweepProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() || s > 359_999.0 => "long".to_owned(),
        s if s >= 3600.0 => format!("{:.0} h {:.0} min", (s / 3600.0).floor(), s % 3600.0 / 60.0),
        s if s >= 60.0 => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
        s => format!("{s:.0} s"),
    }
}
