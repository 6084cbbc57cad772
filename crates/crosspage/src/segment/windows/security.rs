//! Users, and who may do what: security identifiers (SIDs) and access control lists.
//!
//! To the rest of crosspage permissions are POSIX's mode bits. Windows has lists, so that a mode
//! becomes a list with at most three entries, and a list is read back as the mode it comes closest to.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_NONE_MAPPED, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW,
    ConvertStringSidToSidW, GetSecurityInfo, SDDL_REVISION_1, SE_OBJECT_TYPE, SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACL, DACL_SECURITY_INFORMATION, EqualSid, GROUP_SECURITY_INFORMATION,
    GetAce, GetLengthSid, GetSecurityDescriptorDacl, GetTokenInformation, IsWellKnownSid,
    LookupAccountNameW, LookupAccountSidW, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES,
    TOKEN_PRIMARY_GROUP, TOKEN_QUERY, TOKEN_USER, TokenPrimaryGroup, TokenUser,
    WinAuthenticatedUserSid, WinBuiltinUsersSid, WinWorldSid,
};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::{check, is_code, last_code, last_error, wide};

/// The largest SID (SECURITY_MAX_SID_SIZE).
const MAX_SID: usize = 68;

/// The type of an access control list's entry that allows something.
const ACCESS_ALLOWED_ACE_TYPE: u8 = 0;

/// A user (or group), by security identifier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    /// The SID's bytes, which know their own length; zero behind it. Aligned as SIDs are.
    sid: [u32; MAX_SID / 4],
}

impl User {
    /// Nobody that we know.
    pub(crate) const UNKNOWN: User = User {
        sid: [0; MAX_SID / 4],
    };

    /// # Safety
    /// `sid` is valid.
    unsafe fn copy(sid: PSID) -> User {
        let mut user = User::UNKNOWN;
        // SAFETY: the caller's contract.
        let len = (unsafe { GetLengthSid(sid) } as usize).min(MAX_SID);
        // SAFETY: a SID has its length in bytes, and `user.sid` at least as many.
        unsafe {
            std::ptr::copy_nonoverlapping(sid.cast::<u8>(), user.sid.as_mut_ptr().cast(), len);
        }
        user
    }

    fn as_ptr(&self) -> PSID {
        self.sid.as_ptr().cast_mut().cast()
    }

    /// The last number of the SID, which tells the users of one machine or domain apart.
    pub(crate) fn relative_id(&self) -> u32 {
        let bytes = self.sid[0].to_le_bytes();
        // Revision, count of sub-authorities, six bytes of authority; then those of 4 bytes each.
        let count = usize::from(bytes[1]);
        match count {
            0 => 0,
            count => self.sid.get(1 + count).copied().unwrap_or(0),
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = null_mut();
        if *self == User::UNKNOWN {
            return f.write_str("unknown");
        }
        // SAFETY: a valid SID, and a writable place for the string.
        if unsafe { ConvertSidToStringSidW(self.as_ptr(), &mut text) } == 0 {
            return f.write_str("unknown");
        }
        // SAFETY: the string is NUL-terminated, and LocalAlloc'ed for us (ConvertSidToStringSidW).
        let shown = unsafe {
            let len = (0..).take_while(|&at| *text.add(at) != 0).count();
            let shown = String::from_utf16_lossy(std::slice::from_raw_parts(text, len));
            LocalFree(text.cast());
            shown
        };
        f.write_str(&shown)
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({self})")
    }
}

/// The user and the primary group of this process.
fn identity() -> (User, User) {
    static IDENTITY: OnceLock<(User, User)> = OnceLock::new();
    *IDENTITY.get_or_init(|| {
        let mut token = null_mut();
        // SAFETY: the pseudo handle is this process; `token` is a writable place.
        if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) } == 0 {
            return (User::UNKNOWN, User::UNKNOWN);
        }
        // Both structures begin with the pointer to a SID, which the call puts behind them.
        const {
            assert!(std::mem::offset_of!(TOKEN_USER, User.Sid) == 0);
            assert!(std::mem::offset_of!(TOKEN_PRIMARY_GROUP, PrimaryGroup) == 0);
        }
        let ask = |what| {
            // Words, so that it is aligned.
            let mut answer = [0u64; 32];
            let mut len = 0;
            // SAFETY: `answer` is writable for its size.
            let answered = unsafe {
                GetTokenInformation(
                    token,
                    what,
                    answer.as_mut_ptr().cast(),
                    size_of_val(&answer) as u32,
                    &mut len,
                )
            };
            match answered {
                0 => User::UNKNOWN,
                // SAFETY: the call put a pointer to a valid SID there, which lies in `answer`.
                _ => unsafe { User::copy(answer.as_ptr().cast::<PSID>().read()) },
            }
        };
        let (user, group) = (ask(TokenUser), ask(TokenPrimaryGroup));
        // SAFETY: opened above, closed once.
        unsafe { CloseHandle(token) };
        (user, group)
    })
}

/// The user of this process.
pub(crate) fn current_user() -> User {
    identity().0
}

/// A user by name (`ada`, `DOMAIN\ada`) or by SID (`S-1-5-…`).
pub(crate) fn user_of(name: &str) -> io::Result<Option<User>> {
    let text = wide(name);
    if name.starts_with("S-1-") {
        let mut sid = null_mut();
        // SAFETY: NUL-terminated text, and a writable place for the answer.
        if unsafe { ConvertStringSidToSidW(text.as_ptr(), &mut sid) } == 0 {
            return Ok(None);
        }
        // SAFETY: the call succeeded, so `sid` is valid, and LocalAlloc'ed for us.
        return Ok(Some(unsafe {
            let user = User::copy(sid);
            LocalFree(sid.cast());
            user
        }));
    }
    let (mut user, mut domain, mut kind) = (User::UNKNOWN, [0u16; 256], 0);
    let (mut sid_len, mut domain_len) = (MAX_SID as u32, domain.len() as u32);
    // SAFETY: all places are writable for the lengths that are given with them.
    let found = unsafe {
        LookupAccountNameW(
            null(),
            text.as_ptr(),
            user.sid.as_mut_ptr().cast(),
            &mut sid_len,
            domain.as_mut_ptr(),
            &mut domain_len,
            &mut kind,
        )
    };
    match found {
        0 if last_code() == ERROR_NONE_MAPPED => Ok(None),
        0 => Err(last_error()),
        _ => Ok(Some(user)),
    }
}

/// A user's name, for messages.
pub(crate) fn user_name(user: User) -> Option<String> {
    if user == User::UNKNOWN {
        return None;
    }
    let (mut name, mut domain, mut kind) = ([0u16; 256], [0u16; 256], 0);
    let (mut name_len, mut domain_len) = (name.len() as u32, domain.len() as u32);
    // SAFETY: all places are writable for the lengths that are given with them.
    let found = unsafe {
        LookupAccountSidW(
            null(),
            user.as_ptr(),
            name.as_mut_ptr(),
            &mut name_len,
            domain.as_mut_ptr(),
            &mut domain_len,
            &mut kind,
        )
    };
    let name = name.get(..name_len as usize)?;
    (found != 0).then(|| String::from_utf16_lossy(name))
}

/// The directory of a user's profile, where the machine knows of one.
pub(crate) fn profile(user: User) -> Option<PathBuf> {
    use std::os::windows::ffi::OsStringExt;
    let key = wide(&format!(
        r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{user}"
    ));
    let value = wide("ProfileImagePath");
    let mut path = [0u16; 1024];
    let mut len = size_of_val(&path) as u32;
    // SAFETY: NUL-terminated names, and a place that is writable for `len` bytes. Values of the kind
    // REG_EXPAND_SZ are expanded.
    let code = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_SZ,
            null_mut(),
            path.as_mut_ptr().cast(),
            &mut len,
        )
    };
    let end = path.iter().position(|&unit| unit == 0)?;
    (code == 0 && end > 0).then(|| std::ffi::OsString::from_wide(&path[..end]).into())
}

/// What a mode's bits allow for one kind of object: the rights of an access control list.
pub(crate) struct Rights {
    /// Which kind it is to `GetSecurityInfo`.
    kind: SE_OBJECT_TYPE,
    all: u32,
    read: u32,
    write: u32,
    /// Of `read` and `write`, the bit that they do not share.
    read_bit: u32,
    write_bit: u32,
}

pub(crate) mod rights {
    use super::Rights;
    use windows_sys::Win32::Security::Authorization::{SE_FILE_OBJECT, SE_KERNEL_OBJECT};
    use windows_sys::Win32::Storage::FileSystem::{
        FILE_ALL_ACCESS, FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_READ_DATA, FILE_WRITE_DATA,
        READ_CONTROL, SYNCHRONIZE,
    };
    use windows_sys::Win32::System::Memory::{
        SECTION_ALL_ACCESS, SECTION_MAP_READ, SECTION_MAP_WRITE, SECTION_QUERY,
    };
    use windows_sys::Win32::System::Threading::{EVENT_ALL_ACCESS, EVENT_MODIFY_STATE};

    /// Of a page's file.
    pub(crate) const FILE: Rights = Rights {
        kind: SE_FILE_OBJECT,
        all: FILE_ALL_ACCESS,
        read: FILE_GENERIC_READ,
        write: FILE_GENERIC_WRITE,
        read_bit: FILE_READ_DATA,
        write_bit: FILE_WRITE_DATA,
    };

    /// Of a file mapping.
    pub(crate) const SECTION: Rights = Rights {
        kind: SE_KERNEL_OBJECT,
        all: SECTION_ALL_ACCESS,
        read: SECTION_MAP_READ | SECTION_QUERY | READ_CONTROL,
        write: SECTION_MAP_WRITE | SECTION_QUERY | READ_CONTROL,
        read_bit: SECTION_MAP_READ,
        write_bit: SECTION_MAP_WRITE,
    };

    /// Of the event that a page's waiters sleep on. Who may write to the page may sleep and wake.
    pub(crate) const EVENT: Rights = Rights {
        kind: SE_KERNEL_OBJECT,
        all: EVENT_ALL_ACCESS,
        read: 0,
        write: SYNCHRONIZE | EVENT_MODIFY_STATE,
        read_bit: 0,
        write_bit: EVENT_MODIFY_STATE,
    };
}

/// Who may do what with something that is made: this user everything, others what a mode says.
/// Nothing is inherited from what surrounds it.
pub(crate) struct Descriptor {
    descriptor: PSECURITY_DESCRIPTOR,
}

// SAFETY: memory that nobody changes after it was made, and that belongs to no thread.
unsafe impl Send for Descriptor {}
// SAFETY: as above.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    pub(crate) fn new(mode: u32, rights: &Rights) -> io::Result<Descriptor> {
        let (user, group) = identity();
        let mut text = format!("O:{user}G:{group}D:P(A;;{:#x};;;{user})", rights.all);
        for (bits, who) in [(mode >> 3, group.to_string()), (mode, "WD".to_owned())] {
            let read = if bits & 4 != 0 { rights.read } else { 0 };
            let write = if bits & 2 != 0 { rights.write } else { 0 };
            if read | write != 0 {
                text += &format!("(A;;{:#x};;;{who})", read | write);
            }
        }
        let (text, mut descriptor) = (wide(&text), null_mut());
        // SAFETY: NUL-terminated text, and a writable place for the answer.
        check(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &mut descriptor,
                null_mut(),
            )
        })?;
        Ok(Descriptor { descriptor })
    }

    /// For the calls that make something. What they make is not inherited by child processes.
    pub(crate) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.descriptor,
            bInheritHandle: 0,
        }
    }

    /// Gives its list to something that exists.
    ///
    /// # Safety
    /// `handle` is open and was asked for with WRITE_DAC.
    pub(crate) unsafe fn give_to(&self, handle: HANDLE, rights: &Rights) -> io::Result<()> {
        let (mut present, mut list, mut defaulted) = (0, null_mut(), 0);
        // SAFETY: a valid descriptor, and writable places for the answers.
        check(unsafe {
            GetSecurityDescriptorDacl(self.descriptor, &mut present, &mut list, &mut defaulted)
        })?;
        let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
        // SAFETY: the caller's handle; the list lies in the descriptor, which outlives the call.
        let code = unsafe {
            SetSecurityInfo(
                handle,
                rights.kind,
                what,
                null_mut(),
                null_mut(),
                list,
                null(),
            )
        };
        match code {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: LocalAlloc'ed by the call that made it, and freed once.
        unsafe { LocalFree(self.descriptor.cast()) };
    }
}

/// The owner of something that is open, and the mode that its list comes closest to.
///
/// # Safety
/// `handle` is open and was asked for with READ_CONTROL.
pub(crate) unsafe fn owner_and_mode(handle: HANDLE, rights: &Rights) -> io::Result<(User, u32)> {
    let (mut owner, mut group, mut list, mut descriptor) =
        (null_mut(), null_mut(), null_mut(), null_mut());
    // SAFETY: the caller's handle, and writable places for the answers.
    let code = unsafe {
        GetSecurityInfo(
            handle,
            rights.kind,
            OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
            &mut owner,
            &mut group,
            &mut list,
            null_mut(),
            &mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let user = match owner.is_null() {
        true => User::UNKNOWN,
        // SAFETY: the call succeeded: a valid SID in the descriptor.
        false => unsafe { User::copy(owner) },
    };
    // SAFETY: the list and the SIDs lie in the descriptor, which is freed after this.
    let mode = 0o600 | unsafe { mode_of(list, owner, group, rights) };
    // SAFETY: LocalAlloc'ed by the call for us, and freed once.
    unsafe { LocalFree(descriptor.cast()) };
    Ok((user, mode))
}

/// What a list allows to others than the owner.
///
/// # Safety
/// `list` is null or valid, and so are the two SIDs.
unsafe fn mode_of(list: *mut ACL, owner: PSID, group: PSID, rights: &Rights) -> u32 {
    if list.is_null() {
        return 0o066; // No list: everybody may do everything.
    }
    let mut mode = 0;
    // SAFETY: valid, by the caller's contract.
    for index in 0..u32::from(unsafe { (*list).AceCount }) {
        let mut entry = null_mut();
        // SAFETY: the list is valid, and there are that many entries.
        if unsafe { GetAce(list, index, &mut entry) } == 0 {
            continue;
        }
        let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
        // SAFETY: each entry begins with its header.
        if unsafe { (*entry).Header.AceType } != ACCESS_ALLOWED_ACE_TYPE {
            continue;
        }
        // SAFETY: an entry of this type has a mask and a SID, which begins at `SidStart`.
        let (mask, who) = unsafe { ((*entry).Mask, (&raw mut (*entry).SidStart).cast()) };
        let read = if mask & rights.read_bit != 0 { 4 } else { 0 };
        let write = if mask & rights.write_bit != 0 { 2 } else { 0 };
        // SAFETY: valid SIDs.
        let (is_owner, is_group) = unsafe {
            (
                !owner.is_null() && EqualSid(who, owner) != 0,
                !group.is_null() && EqualSid(who, group) != 0,
            )
        };
        let everybody = [WinWorldSid, WinAuthenticatedUserSid, WinBuiltinUsersSid];
        // SAFETY: a valid SID.
        let is = |kind| unsafe { IsWellKnownSid(who, kind) } != 0;
        if everybody.into_iter().any(is) {
            mode |= (read | write) * 0o11;
        } else if is_group && !is_owner {
            mode |= (read | write) << 3;
        }
    }
    mode
}

/// Whether a file system keeps no access control lists (FAT), so that there is nothing to set.
pub(super) fn has_no_lists(error: &io::Error) -> bool {
    use windows_sys::Win32::Foundation::{ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED};
    is_code(error, ERROR_NOT_SUPPORTED) || is_code(error, ERROR_INVALID_FUNCTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_user_has_a_sid_and_a_name() {
        let me = current_user();
        assert!(me.to_string().starts_with("S-1-5-"), "{me}");
        assert_eq!(user_of(&me.to_string()).unwrap(), Some(me));
        let name = user_name(me).expect("a name");
        assert_eq!(user_of(&name).unwrap(), Some(me), "{name}");
        assert_eq!(
            me.to_string().rsplit('-').next(),
            Some(&*me.relative_id().to_string())
        );
        assert_eq!(user_of("nobody-has-this-name").unwrap(), None);
        assert_eq!(User::UNKNOWN.to_string(), "unknown");
    }

    #[test]
    fn modes_become_lists_and_come_back() {
        use windows_sys::Win32::System::Threading::CreateEventW;
        for mode in [0o600, 0o660, 0o666] {
            let descriptor = Descriptor::new(mode, &rights::EVENT).unwrap();
            let attributes = descriptor.attributes();
            // SAFETY: valid attributes; no name.
            let event = unsafe { CreateEventW(&attributes, 1, 0, null()) };
            assert!(!event.is_null(), "{}", last_error());
            // SAFETY: open, with every right.
            let found = unsafe { owner_and_mode(event, &rights::EVENT) }.unwrap();
            // Events have no right to read. An entry for everybody includes the group.
            let bits = if mode & 0o6 != 0 {
                0o622
            } else {
                0o600 | mode & 0o020
            };
            assert_eq!(found, (current_user(), bits), "{mode:o}");
            // SAFETY: opened above.
            unsafe { CloseHandle(event) };
        }
    }
}
