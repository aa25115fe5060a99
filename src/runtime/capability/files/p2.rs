//! `wasi:filesystem/types@0.2`: the functions that take a path or change a file.

use wasmtime::component::{Linker, LinkerInstance, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView as _};
use wasmtime_wasi::p2::DynOutputStream;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorStat, ErrorCode, HostDescriptor as _, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};

use super::{Refusal, heard};
use crate::runtime::guest::Guest;

type Dir = Resource<Descriptor>;

impl Refusal for ErrorCode {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::NotPermitted | Self::Access | Self::ReadOnly)
    }
}

pub(super) fn listen(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut types = linker.instance("wasi:filesystem/types@0.2.12")?;
    macro_rules! hear {
        ($name:literal, $method:ident($($argument:ident: $type:ty),*) -> $output:ty, $path:expr) => {
            types.func_wrap_async(
                concat!("[method]descriptor.", $name),
                |mut store, ($($argument,)*): ($($type,)*)| {
                    Box::new(async move {
                        let guest: &mut Guest = store.data_mut();
                        let path = String::from($path);
                        let result = guest.filesystem().$method($($argument),*).await;
                        let result: Result<$output, ErrorCode> = heard(guest, $name, &path, result)?;
                        Ok((result,))
                    })
                },
            )?;
        };
    }
    hear!("open-at", open_at(dir: Dir, at: PathFlags, path: String, open: OpenFlags, flags: DescriptorFlags) -> Dir, path.as_str());
    hear!("stat-at", stat_at(dir: Dir, at: PathFlags, path: String) -> DescriptorStat, path.as_str());
    hear!("metadata-hash-at", metadata_hash_at(dir: Dir, at: PathFlags, path: String) -> MetadataHashValue, path.as_str());
    hear!("readlink-at", readlink_at(dir: Dir, path: String) -> String, path.as_str());
    hear!("create-directory-at", create_directory_at(dir: Dir, path: String) -> (), path.as_str());
    hear!("remove-directory-at", remove_directory_at(dir: Dir, path: String) -> (), path.as_str());
    hear!("unlink-file-at", unlink_file_at(dir: Dir, path: String) -> (), path.as_str());
    hear!("symlink-at", symlink_at(dir: Dir, target: String, path: String) -> (), target.as_str());
    hear!("link-at", link_at(dir: Dir, at: PathFlags, path: String, to: Dir, new: String) -> (), path.as_str());
    hear!("rename-at", rename_at(dir: Dir, path: String, to: Dir, new: String) -> (), path.as_str());
    hear!("set-times-at", set_times_at(dir: Dir, at: PathFlags, path: String, access: NewTimestamp, change: NewTimestamp) -> (), path.as_str());
    hear!("set-times", set_times(file: Dir, access: NewTimestamp, change: NewTimestamp) -> (), "(an open file)");
    hear!("set-size", set_size(file: Dir, size: u64) -> (), "(an open file)");
    hear!("write", write(file: Dir, bytes: Vec<u8>, offset: u64) -> u64, "(an open file)");
    listen_to_streams(&mut types)
}

/// These two do not wait.
fn listen_to_streams(types: &mut LinkerInstance<'_, Guest>) -> wasmtime::Result<()> {
    macro_rules! hear {
        ($name:literal, $method:ident($($argument:ident: $type:ty),*)) => {
            types.func_wrap(
                concat!("[method]descriptor.", $name),
                |mut store, ($($argument,)*): ($($type,)*)| {
                    let guest: &mut Guest = store.data_mut();
                    let result = guest.filesystem().$method($($argument),*);
                    let result: Result<Resource<DynOutputStream>, ErrorCode> =
                        heard(guest, $name, "(an open file)", result)?;
                    Ok((result,))
                },
            )?;
        };
    }
    hear!("write-via-stream", write_via_stream(file: Dir, offset: u64));
    hear!("append-via-stream", append_via_stream(file: Dir));
    Ok(())
}
