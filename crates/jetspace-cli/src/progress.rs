//! How a run is followed: a bar on a terminal, plain lines elsewhere, always on the standard error
//! stream; and how Ctrl-C reaches it.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jetspace::run::{Member, MemberResult, Observer, Step};
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
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        ctrlc::set_handler(move || {
            // The second time, at once: every file is whole at any time.
            if asked.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        })?;
        let bar = std::io::stderr().is_terminal().then(|| {
            ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr())
                .with_style(ProgressStyle::default_bar())
        });
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
                let template = "{prefix}  {bar:24.cyan/dim} {percent:>3} %  {msg}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("━━╌"));
                }
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

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() || s > 359_999.0 => "long".to_owned(),
        s if s >= 3600.0 => format!("{:.0} h {:.0} min", (s / 3600.0).floor(), s % 3600.0 / 60.0),
        s if s >= 60.0 => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
        s => format!("{s:.0} s"),
    }
}
