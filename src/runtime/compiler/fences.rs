//! What a child that compiles puts around itself before it reads a byte of the component.

use std::io;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, nice, set_parent_process_death_signal,
    setrlimit,
};

use super::order::CompileOrder;

/// Weight 335 against 1,024 of a thread that serves (sched(7)): a deployment takes its time
/// on a busy machine, but not for ever.
const NICE: i32 = 5;

/// Ends with the parent, computes when nobody else wants to, and stays within its memory.
///
/// # Errors
/// A limit cannot be set, or the parent has gone already: then nothing may be compiled.
pub(super) fn raise(order: &CompileOrder) -> io::Result<()> {
    end_with_parent(order)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Cpu, order.cpu)?;
    // Private writable memory is all that a compiler uses. Not the address space: what
    // an allocator reserves and never touches costs nobody anything.
    limit(Resource::Data, order.memory)?;
    // Where these are not permitted, the fences above still hold.
    let _ = nice(NICE);
    // Should the machine run out of memory, this process goes before all others.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

fn end_with_parent(order: &CompileOrder) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended before that.
    match getppid().map(Pid::as_raw_pid) {
        Some(parent) if u32::try_from(parent) == Ok(order.parent) => Ok(()),
        _ => Err(io::Error::other("who asked for it has gone")),
    }
}

/// Lowers a limit; one that is lower already stays.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let most = getrlimit(resource).maximum.unwrap_or(u64::MAX).min(most);
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    Ok(setrlimit(resource, limit)?)
}
