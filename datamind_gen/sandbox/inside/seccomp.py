"""seccomp: which system calls a session may make at all.

A list of what is allowed; what the kernel learns later is not. Three kinds of refusal: EPERM for what
untrusted code may try (so that Python raises PermissionError), success without effect for chmod and
utime (so that shutil.copy works, and no mode or time of a data file changes), ENOSYS for all else (so
that libraries fall back). Making a process is the supervisor's decision: the call waits for its word.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable, Sequence

from datamind_gen.sandbox.inside.kernel import MACHINE, PR_SET_NO_NEW_PRIVS, prctl, syscall
from datamind_gen.sandbox.inside.syscalls import AUDIT_ARCH, NUMBERS


def _names(text: str) -> list[str]:
    return text.split()


_ALLOWED = _names("""
read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask
rt_sigreturn pread64 pwrite64 readv writev access pipe select sched_yield mremap msync mincore madvise
dup dup2 pause nanosleep getitimer alarm setitimer getpid sendfile sendto recvfrom sendmsg recvmsg
shutdown getsockname getpeername setsockopt getsockopt exit wait4 uname flock fsync fdatasync truncate
ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink symlink readlink umask
gettimeofday getrlimit getrusage sysinfo times getuid getgid geteuid getegid getppid getpgrp getgroups
getresuid getresgid getpgid getsid capget rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack statfs
fstatfs getpriority sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min
sched_rr_get_interval arch_prctl gettid readahead getxattr lgetxattr fgetxattr listxattr llistxattr
flistxattr time futex sched_getaffinity epoll_create getdents64 set_tid_address restart_syscall
fadvise64 timer_create timer_settime timer_gettime timer_getoverrun timer_delete clock_gettime
clock_getres clock_nanosleep exit_group epoll_wait epoll_ctl waitid openat mkdirat newfstatat unlinkat
renameat linkat symlinkat readlinkat faccessat pselect6 ppoll set_robust_list get_robust_list splice tee
sync_file_range epoll_pwait signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime
signalfd4 eventfd2 epoll_create1 dup3 pipe2 preadv pwritev getcpu sched_getattr renameat2 getrandom
membarrier copy_file_range preadv2 pwritev2 statx rseq close_range openat2 faccessat2 epoll_pwait2
futex_waitv recvmmsg sendmmsg
""")

_PRETENDED = _names("""
chmod fchmod fchmodat fchmodat2 utime utimes futimesat utimensat
""")

_REFUSED = _names("""
socket connect bind listen accept accept4 vfork execve execveat ptrace process_vm_readv
process_vm_writev kcmp process_madvise process_mrelease pidfd_open pidfd_getfd pidfd_send_signal
rt_sigqueueinfo rt_tgsigqueueinfo setrlimit chown fchown lchown fchownat setxattr lsetxattr fsetxattr
removexattr lremovexattr fremovexattr mknod mknodat setuid setgid setreuid setregid setresuid setresgid
setfsuid setfsgid setgroups capset setpgid setsid setpriority ioprio_set sched_setparam
sched_setscheduler sched_setattr mount umount2 pivot_root chroot unshare setns open_tree move_mount
fsopen fsconfig fsmount fspick mount_setattr swapon swapoff reboot sethostname setdomainname
settimeofday clock_settime clock_adjtime adjtimex acct quotactl syslog personality iopl ioperm
init_module finit_module delete_module kexec_load kexec_file_load bpf perf_event_open userfaultfd
io_uring_setup io_uring_enter io_uring_register add_key request_key keyctl memfd_create memfd_secret
name_to_handle_at open_by_handle_at shmget shmat shmctl shmdt semget semop semctl msgget msgsnd msgrcv
msgctl mq_open fanotify_init inotify_init inotify_init1 seccomp vhangup mlock mlock2 mlockall move_pages
migrate_pages vmsplice sync syncfs
""")

_SECCOMP_SET_MODE_FILTER = 1
_FLAG_NEW_LISTENER = 1 << 3
_ALLOW, _ERRNO, _KILL, _NOTIFY = 0x7FFF0000, 0x00050000, 0x80000000, 0x7FC00000
_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32_BIT = 0x40000000

_CLONE_THREAD = 0x00010000
_AF_UNIX = 1
_FCNTL_REFUSED = (8, 10, 15, 1024, 1026)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX signal others by way of a file; F_SETLEASE, F_NOTIFY hold or watch them."""
_IOCTL_ALLOWED = (0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX; others change a file's flags."""
_PR_ALLOWED = (2, 3, 15, 16, 21, 23, 38, 0x53564D41)  # questions, names of threads and memory areas
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9

_Program = list[tuple[int, int, int, int]]


def confine_calls(*, signals_scoped: bool) -> int | None:
    """Puts the filter on this process for good.

    Returns the descriptor on which the supervisor is asked about new processes; None where the kernel
    has no room for one, and every new process is refused. `signals_scoped` says that Landlock keeps
    signals inside; else the filter does. Raises OSError where the kernel has no seccomp filters.
    """
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    try:
        return load(build(MACHINE, asks=True, signals_scoped=signals_scoped), _FLAG_NEW_LISTENER)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EINVAL):
            raise
    load(build(MACHINE, asks=False, signals_scoped=signals_scoped))
    return None


def load(program: _Program, flags: int = 0) -> int:
    """Puts a program on this process for good. Raises OSError."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(buffer)))
    return syscall(
        "seccomp",
        ctypes.c_uint(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_uint(flags),
        ctypes.byref(header),
    )


def build(machine: str, *, asks: bool, signals_scoped: bool) -> _Program:
    """The filter's program for a processor, as (code, true, false, operand) instructions."""
    numbers = NUMBERS[machine]
    program: _Program = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        _give(_KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT), _give(_ERRNO | errno.ENOSYS)]
    for name, check in _checks(asks, signals_scoped).items():
        if name in numbers:
            program += [(_JUMP_EQUAL, 0, len(check), numbers[name]), *check]
    for answer, names in (
        (_ALLOW, _ALLOWED),
        (_ERRNO | 0, _PRETENDED),
        (_ERRNO | errno.EPERM, _REFUSED),
    ):
        for name in names:
            if name in numbers:
                program += [(_JUMP_EQUAL, 0, 1, numbers[name]), _give(answer)]
    return [*program, _give(_ERRNO | errno.ENOSYS)]


def _checks(asks: bool, signals_scoped: bool) -> dict[str, _Program]:
    ask = _NOTIFY if asks else _ERRNO | errno.EAGAIN
    own = os.getpid()
    signals = [_give(_ALLOW)] if signals_scoped else _when(0, (0, own), _ALLOW, _ERRNO | errno.EPERM)
    return {
        "clone": [
            *_argument(0),
            (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD),
            _give(_ALLOW),
            _give(ask),
        ],
        "fork": [_give(ask)],
        "clone3": [_give(_ERRNO | errno.ENOSYS)],
        "kill": signals,
        "tkill": signals,
        "tgkill": signals,
        "socketpair": _when(0, (_AF_UNIX,), _ALLOW, _ERRNO | errno.EPERM),
        "fcntl": _when(1, _FCNTL_REFUSED, _ERRNO | errno.EPERM, _ALLOW),
        "ioctl": _when(1, _IOCTL_ALLOWED, _ALLOW, _ERRNO | errno.EPERM),
        "sched_setaffinity": _when(0, (0,), _ALLOW, _ERRNO | errno.EPERM),
        "prlimit64": [
            *_argument(2),
            (_JUMP_EQUAL, 0, 3, 0),
            *_argument(2, high=True),
            (_JUMP_EQUAL, 0, 1, 0),
            _give(_ALLOW),
            _give(_ERRNO | errno.EPERM),
        ],
        "prctl": [
            *_argument(0),
            (_JUMP_EQUAL, 0, 4, _PR_SET_PDEATHSIG),
            *_argument(1),
            (_JUMP_EQUAL, 0, 1, _SIGKILL),
            _give(_ALLOW),
            _give(_ERRNO | errno.EPERM),
            *_when(0, _PR_ALLOWED, _ALLOW, _ERRNO | errno.EPERM),
        ],
    }


def _when(argument: int, values: Sequence[int], then: int, otherwise: int) -> _Program:
    program = _argument(argument)
    for value in values:
        program += [(_JUMP_EQUAL, 0, 1, value & 0xFFFFFFFF), _give(then)]
    return [*program, _give(otherwise)]


def _argument(index: int, high: bool = False) -> _Program:
    return [(_LOAD, 0, 0, _ARGUMENTS + 8 * index + (4 if high else 0))]


def _give(answer: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, answer & 0xFFFFFFFF)


def named() -> Iterable[str]:
    """Every call that the filter names."""
    return {*_ALLOWED, *_PRETENDED, *_REFUSED, *_checks(True, True)}
