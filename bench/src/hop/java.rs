//! The LMAX Disruptor, in a Java process that is told run by run what to do.
//!
//! The source is built in, compiled where a run takes place, and needs a JDK and the Disruptor's
//! jar; what is missing is said, with how to get it.

use super::rings::BATCH;
use super::{EVERY_NS, Measured, SLOTS, paced_count, saturated_time};
use crate::benches::Bench;
use crate::cores::Cores;
use crate::distribution::nanoseconds;
use crate::measure::{Effort, Run};
use hdrhistogram::Histogram;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const SOURCE: &str = include_str!("../../peers/java/Lmax.java");
/// Where Debian's packages put jars.
const JARS: &str = "/usr/share/java";
const REMEDY: &str = "on Debian: apt-get install openjdk-17-jdk-headless libdisruptor-java";

/// A Java process that waits for its next run.
#[derive(Debug)]
pub(super) struct Lmax {
    process: Child,
    tell: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _folder: TempDir,
}

struct Answer {
    run: Run,
    response: Histogram<u64>,
    service: Histogram<u64>,
}

impl Lmax {
    /// Compiles and starts it, and lets it run until the compiler inside has done its work.
    ///
    /// # Errors
    /// What is missing, and the remedy.
    pub(super) fn start(cores: &Cores, effort: &Effort) -> Result<Self, String> {
        let not = |what: String| format!("LMAX Disruptor (Java): not measured, {what}");
        let jar = jar().ok_or_else(|| not(format!("no {JARS}/disruptor*.jar; {REMEDY}")))?;
        let folder = tempfile::tempdir().map_err(|error| not(error.to_string()))?;
        compile(folder.path(), &jar).map_err(not)?;
        let mut lmax = Self::spawn(folder, &jar, cores).map_err(not)?;
        let warm = (effort.run / 2).as_nanos() as u64;
        for slots in SLOTS {
            for batch in [1, BATCH] {
                lmax.run(slots, warm, 0, batch).map_err(not)?;
            }
        }
        lmax.run(SLOTS[0], warm / EVERY_NS + 1, EVERY_NS, 1)
            .map_err(not)?;
        Ok(lmax)
    }

    fn spawn(folder: TempDir, jar: &Path, cores: &Cores) -> Result<Self, String> {
        let mut path = OsString::from(folder.path());
        path.push(":");
        path.push(jar);
        let mut command = match cores.two {
            [Some(first), Some(second)] if has("taskset") => {
                let mut command = Command::new("taskset");
                command.args(["-c", &format!("{first},{second}"), "java"]);
                command
            }
            _ => Command::new("java"),
        };
        let mut process = (command.arg("-cp").arg(path))
            .args(["-Xms256m", "-Xmx256m", "Lmax"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("java: {error}; {REMEDY}"))?;
        let (tell, answers) = (process.stdin.take(), process.stdout.take());
        let answers = answers.ok_or("java has no output")?;
        Ok(Self {
            process,
            tell,
            answers: BufReader::new(answers),
            _folder: folder,
        })
    }

    /// One turn: paced, then saturated at each size, one by one and in batches.
    ///
    /// # Errors
    /// When the process ended or lost a message.
    pub(super) fn turn(&mut self, bench: &Bench, all: &mut [Measured; 2]) -> Result<(), String> {
        let paced = self.run(SLOTS[0], paced_count(bench), EVERY_NS, 1)?;
        all[0].paced(&paced.response, &paced.service);
        let time = saturated_time(bench).as_nanos() as u64;
        for (size, slots) in SLOTS.into_iter().enumerate() {
            for (measured, batch) in all.iter_mut().zip([1, BATCH]) {
                let answer = self.run(slots, time, 0, batch)?;
                measured.saturated[size].push(answer.run);
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        slots: usize,
        amount: u64,
        every: u64,
        batch: usize,
    ) -> Result<Answer, String> {
        let failed = |error: std::io::Error| format!("java: {error}");
        let tell = self.tell.as_mut().ok_or("java was stopped")?;
        writeln!(tell, "{slots} {amount} {every} {batch}").map_err(failed)?;
        tell.flush().map_err(failed)?;
        let mut answer = Answer {
            run: Run {
                time: Duration::ZERO,
                count: 0,
            },
            response: nanoseconds(),
            service: nanoseconds(),
        };
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line).map_err(failed)? == 0 {
                return Err("the Java process ended".to_owned());
            }
            let (name, numbers) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            let numbers: Vec<u64> = (numbers.split(' '))
                .map_while(|number| number.parse().ok())
                .collect();
            match (name, &numbers[..]) {
                ("run", [time, count, 0]) => {
                    (answer.run.time, answer.run.count) = (Duration::from_nanos(*time), *count);
                }
                ("run", _) => return Err(format!("the Java process lost messages: {line}")),
                ("response", pairs) => fill(&mut answer.response, pairs),
                ("service", pairs) => fill(&mut answer.service, pairs),
                ("done", _) => return Ok(answer),
                _ => {}
            }
        }
    }
}

impl Drop for Lmax {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.tell.take());
        let _ = self.process.wait();
    }
}

fn fill(histogram: &mut Histogram<u64>, pairs: &[u64]) {
    for pair in pairs.chunks_exact(2) {
        histogram.saturating_record_n(pair[0].max(1), pair[1]);
    }
}

fn jar() -> Option<PathBuf> {
    let found = std::fs::read_dir(JARS).ok()?;
    let mut jars: Vec<PathBuf> = (found.filter_map(Result::ok))
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("disruptor") && name.ends_with(".jar")
        })
        .collect();
    jars.sort();
    jars.pop()
}

fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    let quiet = command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok()
}

fn compile(folder: &Path, jar: &Path) -> Result<(), String> {
    let source = folder.join("Lmax.java");
    std::fs::write(&source, SOURCE).map_err(|error| error.to_string())?;
    let output = (Command::new("javac")
        .arg("-cp")
        .arg(jar)
        .arg("-d")
        .arg(folder))
    .arg(&source)
    .output()
    .map_err(|error| format!("javac: {error}; {REMEDY}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or_default();
    let ended = output.status;
    (ended.success().then_some(())).ok_or_else(|| format!("javac: {ended}: {first}; {REMEDY}"))
}
