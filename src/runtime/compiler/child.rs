//! The parent's side of a compilation: starts the child, feeds it, and ends it when its
//! time is up. No child outlives the call that started it, nor the process.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::process::Signal;

use super::Bounds;
use super::code::CompiledCode;
use super::error::CompileError;
use super::order::{COMPILE_VERB, CompileOrder, threads};
use super::talk::{Pipes, Talk};
use super::worker::exit;
use crate::core::ByteSize;
use crate::runtime::engine::EngineKind;

/// What Rust says before it aborts because of it.
const ALLOCATION_FAILED: &str = "memory allocation of ";

/// Compiles `wasm` for engines of `kind`. Blocks until the child has ended.
pub(super) fn compile(
    program: &Path,
    kind: EngineKind,
    wasm: &[u8],
    bounds: Bounds,
) -> Result<CompiledCode, CompileError> {
    let began = Instant::now();
    let order = CompileOrder::new(kind, wasm, bounds);
    let mut command = Command::new(program);
    command.arg0("airgate").arg(COMPILE_VERB);
    command.arg(order.to_string());
    let code = run(command, wasm, bounds)?;
    tracing::debug!(
        took_ms = began.elapsed().as_millis() as u64,
        wasm = wasm.len(),
        code = code.len(),
        "compiled"
    );
    Ok(CompiledCode::of_child(code))
}

/// The largest code that is taken of a component: it is held in our own memory. What
/// toolchains make grows to three or four times its size.
fn most_code(wasm: &[u8]) -> u64 {
    ((wasm.len() as u64) * 16 + (16 << 20)).min(512 << 20)
}

fn run(mut command: Command, wasm: &[u8], bounds: Bounds) -> Result<Vec<u8>, CompileError> {
    // Nothing of our own environment, where secrets may be.
    command.env_clear();
    // What its allocator has not handed out shall not count against its limit.
    command.env("MIMALLOC_ARENA_EAGER_COMMIT", "0");
    command.env("RAYON_NUM_THREADS", threads().to_string());
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // What a terminal sends to all of us is not for the child.
    command.process_group(0);
    let mut child = Running(command.spawn().map_err(CompileError::Start)?);
    let pipes = Pipes::of(&mut child.0).ok_or_else(|| io::Error::other("it has no pipes"));
    let pipes = pipes.map_err(CompileError::Start)?;
    let most = most_code(wasm);
    let (in_time, said) = std::thread::scope(|scope| {
        let talk = Talk::begin(scope, pipes, wasm, most);
        let in_time = matches!(&talk, Ok(talk) if talk.ends_within(bounds.timeout));
        if !in_time {
            child.end();
        }
        (in_time, talk.map(Talk::said))
    });
    let (code, complaint) = said.map_err(CompileError::Start)?;
    if !in_time {
        return Err(CompileError::Timeout(bounds.timeout));
    }
    let code = code.map_err(CompileError::Start)?;
    if code.len() as u64 > most {
        return Err(CompileError::Code(ByteSize(most)));
    }
    let status = child.0.wait().map_err(CompileError::Start)?;
    match status.success() {
        true => Ok(code),
        false => Err(reason(status, &complaint, bounds)),
    }
}

/// A child that does not outlive its owner.
struct Running(Child);

impl Running {
    fn end(&mut self) {
        // An error means that it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn reason(status: ExitStatus, complaint: &[u8], bounds: Bounds) -> CompileError {
    let complaint = printable(complaint);
    let exit_code = status.code().and_then(|code| u8::try_from(code).ok());
    let signal = status.signal().and_then(Signal::from_named_raw);
    match (exit_code, signal) {
        (Some(exit::COMPONENT), _) => CompileError::Component(complaint),
        (Some(exit::MEMORY), _) => CompileError::Memory(bounds.memory),
        (_, Some(Signal::ABORT)) if complaint.contains(ALLOCATION_FAILED) => {
            CompileError::Memory(bounds.memory)
        }
        // Its own fence, where it was quicker than our clock.
        (_, Some(Signal::XCPU)) => CompileError::Timeout(bounds.timeout),
        _ => CompileError::Died {
            how: how(status),
            complaint,
        },
    }
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".into(),
    }
}

/// One line that no terminal obeys. Names in a component come into complaints about it.
fn printable(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let mut line = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match character {
            ' '..='~' => line.push(character),
            '\n' => line.push(' '),
            _ => line.extend(character.escape_debug()),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Runs a script in the place of the compiler.
    fn script(script: &str, wasm: &[u8], timeout: Duration) -> Result<Vec<u8>, CompileError> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("PATH=/usr/bin:/bin; {script}")]);
        let memory = ByteSize(1 << 30);
        run(command, wasm, Bounds { timeout, memory })
    }

    fn refused(text: &str) -> CompileError {
        let result = script(text, b"wasm", Duration::from_secs(60));
        result.expect_err(text)
    }

    #[test]
    fn what_the_child_writes_is_the_code() {
        // More than any pipe holds, both ways.
        let wasm = vec![7; 1 << 20];
        let code = script("cat; cat >&2 /dev/null", &wasm, Duration::from_secs(60));
        assert_eq!(code.unwrap(), wasm);
    }

    #[test]
    fn a_child_that_takes_too_long_is_killed() {
        let began = Instant::now();
        let result = script("exec sleep 600", b"wasm", Duration::from_millis(50));
        assert!(matches!(result, Err(CompileError::Timeout(_))));
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_child_that_never_listens_is_killed_too() {
        let wasm = vec![7; 1 << 20];
        let result = script("exec sleep 600", &wasm, Duration::from_millis(50));
        assert!(matches!(result, Err(CompileError::Timeout(_))));
    }

    #[test]
    fn code_without_end_is_refused() {
        let error = refused("exec cat /dev/zero");
        assert!(matches!(error, CompileError::Code(_)), "{error}");
    }

    #[test]
    fn a_complaint_without_end_is_cut() {
        let error = refused("head -c 10000000 /dev/zero | tr '\\0' x >&2; exit 65");
        let CompileError::Component(text) = error else {
            panic!("{error}")
        };
        assert_eq!(text.len(), 4 << 10);
    }

    #[test]
    fn a_complaint_is_one_line_that_no_terminal_obeys() {
        let error = refused(r"printf 'a\nb \033[31m \342\200\256 \377' >&2; exit 65");
        assert_eq!(error.to_string(), "a b \\u{1b}[31m \\u{202e} \u{fffd}");
    }

    #[test]
    fn every_end_has_its_reason() {
        let failed = "echo memory allocation of 64 bytes failed >&2; kill -ABRT $$";
        for (text, reason) in [
            ("exit 66", "more memory than the 1GiB"),
            (failed, "more memory than the 1GiB"),
            ("kill -XCPU $$", "longer than 1m"),
            ("kill -9 $$", "was killed by signal 9"),
            ("kill -ABRT $$", "was killed by signal 6"),
            ("echo panicked >&2; exit 101", "exit code 101: panicked"),
            ("echo half; exit 1", "ended with exit code 1"),
        ] {
            let error = refused(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let bounds = Bounds::from(&crate::core::ArtifactPolicy::default());
        let result = run(Command::new("/nonexistent"), b"wasm", bounds);
        assert!(matches!(result, Err(CompileError::Start(_))));
    }
}
