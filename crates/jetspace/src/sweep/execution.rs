//! How a sweep is carried out: its points by several threads, each point as a run on one of them.

use std::io;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Point;
use super::folder::SweepFolder;
use super::presentation::{self, PointResults};
use crate::Error;
use crate::run::{self, Execution, Folder, Member, MemberResult, Observer, Step, members};
use crate::training::Stop;

/// Time between two reports of one training: steps can take microseconds.
const TOLD_EVERY: Duration = Duration::from_millis(50);

/// Who is told how a sweep goes on, from any of its threads, and may stop it.
pub trait Watcher: Sync {
    /// It begins; so many trainings belong to it.
    fn begin(&self, trainings: usize);
    /// So many trainings were done in an earlier sitting.
    fn found(&self, trainings: usize);
    /// The training of this worker has come so far, from 0 to 1.
    fn step(&self, worker: usize, part: f64);
    /// The training of this worker, which belongs to a point, is done.
    fn end(&self, worker: usize, point: &Point, result: &MemberResult);
    /// Whether to stop.
    fn wants_to_stop(&self) -> bool;
}

/// How a sweep ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Every training is done: the results of each point.
    Finished(Vec<PointResults>),
    /// The watcher stopped it; everything so far is saved.
    Stopped,
}

impl SweepFolder {
    /// Carries out the sweep from wherever it was left, `jobs` trainings at once, or as many as the
    /// machine has processors for 0; its results do not depend on it. Writes them, and a report.
    ///
    /// # Errors
    /// A training that cannot go on, or the operating system's. What was done stays.
    pub fn run(
        &self,
        jobs: usize,
        checkpoint_every: Duration,
        watcher: &dyn Watcher,
    ) -> Result<Outcome, Error> {
        let points = self.points();
        let jobs = match jobs {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            jobs => jobs,
        };
        watcher.begin(points.iter().map(|point| point.trainings).sum());
        let workers = jobs.min(points.len()).max(1);
        // More than one only where there are fewer points than processors.
        let threads = (jobs / workers).max(1);
        let shared = Shared {
            sweep: self,
            execution: Execution { threads, checkpoint_every },
            watcher,
            next: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            results: Mutex::new(vec![None; points.len()]),
        };
        thread::scope(|scope| {
            let shared = &shared;
            let spawn = |worker| {
                let work = move || shared.work(worker).inspect_err(|_| shared.fail());
                thread::Builder::new().spawn_scoped(scope, work).map_err(|error| {
                    shared.fail();
                    Error::io("start a thread for", self.path(), error)
                })
            };
            let handles: Vec<_> = (0..workers).map(spawn).collect();
            // The first error counts; all threads end before it is returned.
            handles.into_iter().try_for_each(|handle| {
                handle?.join().unwrap_or_else(|_| {
                    let error = io::Error::other("a thread ended by itself");
                    Err(Error::io("carry out", self.path(), error))
                })
            })
        })?;
        let results = shared.results.into_inner().unwrap_or_default();
        let Some(results) = results.into_iter().collect::<Option<Vec<_>>>() else {
            return Ok(Outcome::Stopped);
        };
        let of_points = points.iter().zip(results);
        let results =
            of_points.map(|(point, results)| PointResults { point: point.clone(), results });
        let results: Vec<PointResults> = results.collect();
        presentation::write(self, &results)?;
        Ok(Outcome::Finished(results))
    }
}

/// What the threads have in common.
struct Shared<'a> {
    sweep: &'a SweepFolder,
    execution: Execution,
    watcher: &'a dyn Watcher,
    /// The first point that nobody has taken.
    next: AtomicUsize,
    failed: AtomicBool,
    results: Mutex<Vec<Option<Vec<MemberResult>>>>,
}

impl Shared<'_> {
    /// Carries out one point after the other.
    fn work(&self, worker: usize) -> Result<(), Error> {
        while !self.wants_to_stop() {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let Some(point) = self.sweep.points().get(number) else { break };
            let Some(results) = self.point(worker, point)? else { break };
            if let Ok(mut all) = self.results.lock()
                && let Some(place) = all.get_mut(number)
            {
                *place = Some(results);
            }
        }
        Ok(())
    }

    /// The results of a point; nothing if it was stopped.
    fn point(&self, worker: usize, point: &Point) -> Result<Option<Vec<MemberResult>>, Error> {
        let path = self.sweep.place(point);
        if !path.join("run.json").is_file() {
            let reason = "a point of the sweep that has not been made: start the sweep again with \
                          the arguments that it had"
                .to_owned();
            return Err(Error::BadFile { path, reason });
        }
        let (folder, study, _) = Folder::open(&path)?;
        if let Some(results) = folder.results()? {
            self.watcher.found(results.len());
            return Ok(Some(results));
        }
        for member in members(&study) {
            self.watcher.found(usize::from(folder.result(&member)?.is_some()));
        }
        let collocation = run::prepare(&study)?;
        let mut observer = PointObserver { shared: self, worker, point, told: Instant::now() };
        match run::run(&study, &collocation, &folder, self.execution, &mut observer)? {
            run::Outcome::Finished(results) => Ok(Some(results)),
            run::Outcome::Stopped => Ok(None),
        }
    }

    fn fail(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }

    fn wants_to_stop(&self) -> bool {
        self.failed.load(Ordering::SeqCst) || self.watcher.wants_to_stop()
    }
}

/// Tells the watcher of a sweep about the run of one point.
struct PointObserver<'a> {
    shared: &'a Shared<'a>,
    worker: usize,
    point: &'a Point,
    told: Instant,
}

impl Observer for PointObserver<'_> {
    fn begin(&mut self, _: &Member, _: usize, _: usize, _: &[String]) {}

    fn step(&mut self, step: &Step<'_>) {
        if self.told.elapsed() >= TOLD_EVERY {
            self.told = Instant::now();
            let (done, count) = step.steps;
            self.shared.watcher.step(self.worker, done as f64 / count.max(1) as f64);
        }
    }

    fn stop(&mut self, _: &Stop) {}

    fn end(&mut self, result: &MemberResult) {
        self.shared.watcher.end(self.worker, self.point, result);
    }

    fn wants_to_stop(&self) -> bool {
        self.shared.wants_to_stop()
    }
}
