//! Names that a plugin cannot have: words of its language, and modules and crates that its own would hide.

use super::Language;

/// Whether a plugin in this language cannot have this name. Words of either language are kept in both.
pub(super) fn is_kept(language: Language, name: &str) -> bool {
    let is_in = |words: &str, name: &str| words.split(' ').any(|word| word == name);
    // Of a module's name, underscores are what hyphens become.
    let module = name.replace('-', "_");
    let hides = || language == Language::Python && is_in(MODULES, &module);
    is_in(RUST, name) || is_in(PYTHON, &module) || hides()
}

/// Words that Rust keeps for itself, crates that a plugin needs, and names that Cargo keeps in its own folder.
const RUST: &str = "\
    abstract alloc as async await become box break build const continue core crate deps do dyn editscale \
    editscale-sdk editscale_sdk else enum examples extern false final fn for gen if image impl in incremental let \
    loop macro match mod move mut override priv proc_macro pub ref return rmp rmp-serde rmp_serde self serde \
    serde_bytes serde_json static std struct super test thiserror trait true try type typeof unsafe unsized use \
    virtual where while yield";

/// Words that Python keeps for itself.
const PYTHON: &str = "\
    and as assert async await break case class continue def del elif else except finally for from global if import \
    in is lambda match nonlocal not or pass print raise return try type while with yield";

/// Modules that a program of the same name would hide from itself and from all that it imports.
const MODULES: &str = "\
    abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb \
    binascii binhex bisect builtins bz2 calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys \
    compileall compression concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses \
    dataclasses datetime dbm decimal difflib dis distutils doctest dummy_threading editscale email encodings \
    ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch formatter fractions ftplib functools gc \
    genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr \
    imp importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale logging lzma macpath mailbox \
    mailcap marshal math mimetypes mmap modulefinder msgpack msilib msvcrt multiprocessing netrc nis nntplib nt \
    ntpath nturl2path numbers numpy opcode operator optparse os ossaudiodev parser pathlib pdb pickle pickletools \
    pillow pip pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile \
    pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched secrets \
    select selectors setuptools shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd \
    sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau symbol \
    symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap this threading time timeit \
    tkinter token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata \
    unittest urllib uu uuid venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp \
    zipfile zipimport zlib zoneinfo";
