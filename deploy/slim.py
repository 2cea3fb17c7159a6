"""Makes the installed IRIS smaller and quicker to start; run by the Dockerfile, with the Python of the installation.

1. Removes what a running bot never opens, and prints how much each kind took.
2. Removes debugging symbols from compiled modules.
3. Loads every module of IRIS and answers one question, which proves that nothing needed is missing.
4. Keeps bytecode for the modules that were loaded, and only for these.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

# Before onnxruntime is loaded: it reports its use to its maker otherwise.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Where the image looks for what was learnt from the content that comes with it.
LEARNT = Path(sys.prefix) / "share" / "iris" / "learnt"

# What takes room -> why it can go. Sizes on amd64, with the versions of deploy/image.lock, in docs/operations.md.
NOT_NEEDED = {
    "onnxruntime/capi/libonnxruntime.so*": "the engine once more, for programs in C; Python's module has it inside",
    "onnxruntime/transformers": "making models smaller",
    "onnxruntime/quantization": "making models smaller",
    "onnxruntime/tools": "making models",
    "sqlalchemy/testing": "tests of database drivers",
    "sqlalchemy/dialects/m*sql": "other databases",
    "sqlalchemy/dialects/oracle": "other databases",
    "symspellpy/frequency_bigram*": "pairs of words, which our speller does not read",
    "discord/bin": "voice codecs for Windows",
    "numpy/f2py": "building Fortran modules",
    "numpy/distutils": "building C modules",
    "**/tests": "the packages' own tests",
    "**/*.pyi": "types, for editors",
    "**/*.pyx": "sources of compiled modules",
    "**/*.pxd": "sources of compiled modules",
    "**/*.h": "sources of compiled modules",
}

# Compiled modules that their makers ship with symbols. Not those that were patched after linking, as numpy's libraries
# were: stripping these can damage them.
WITH_SYMBOLS = (
    *("aiohttp", "asyncpg", "cryptography", "frozenlist", "multidict", "propcache", "sqlalchemy", "watchfiles"),
    *("wrapt", "yaml"),
)

# Loaded by name only when they are used.
BY_NAME = (
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "limits.aio.storage",
    "valkey.asyncio",
    "alembic.command",
)


def remove(site: Path) -> Iterator[tuple[str, int]]:
    """Delete what NOT_NEEDED names below ``site``; yield each pattern with the bytes that it took."""
    for pattern in NOT_NEEDED:
        taken = 0
        for found in sorted(site.glob(pattern)):
            if not found.exists():  # went with its folder
                continue
            taken += size_of(found)
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink()
        yield pattern, taken


def strip(site: Path) -> int:
    """Remove the symbols of WITH_SYMBOLS; the bytes saved."""
    modules = [module for name in WITH_SYMBOLS for module in (site / name).rglob("*.so")]
    before = sum(map(size_of, modules))
    subprocess.run(["strip", "--strip-unneeded", *modules], check=True)
    return before - sum(map(size_of, modules))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def load_all() -> None:
    """Import every module of ours with all that it needs, then learn the content and answer from it."""
    for name in ("bot", "adapters"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            # Importing these runs them: the command, and Alembic's steps, which need a database.
            if not module.name.endswith(("__main__", ".env")) and ".versions" not in module.name:
                importlib.import_module(module.name)
    for name in BY_NAME:
        importlib.import_module(name)
    from bot.assembly import build_answerer
    from bot.question import Question
    from bot.reply import ReplyKind

    reply = build_answerer(cache=LEARNT).answer(Question("What is insulin resistance?"))
    if reply.kind is not ReplyKind.ANSWER:
        sys.exit(f"The shipped content does not answer what it is about: {reply.kind.value}")


def compile_loaded(site: Path) -> int:
    """Bytecode for the loaded modules below ``site``; how many.

    It is not checked against the sources when it is loaded: in an image these do not change, whatever their dates.
    """
    files = [Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))]
    ours = [file for file in files if file.suffix == ".py" and file.is_relative_to(site)]
    for file in ours:
        py_compile.compile(str(file), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return len(ours)


def main() -> None:
    """Do all three, and say what became of it."""
    site = Path(sysconfig.get_path("purelib"))
    before = size_of(Path(sys.prefix))
    for pattern, taken in remove(site):
        print(f"{taken / 1e6:7.1f} MB  {pattern}: {NOT_NEEDED[pattern]}")
    print(f"{strip(site) / 1e6:7.1f} MB  debugging symbols")
    load_all()
    for learnt in LEARNT.iterdir():
        learnt.chmod(0o644)  # made for its owner alone, who is somebody else in the running image
    compiled = compile_loaded(site)
    print(f"{before / 1e6:.1f} MB -> {size_of(Path(sys.prefix)) / 1e6:.1f} MB, bytecode of {compiled} modules")
    packages = sorted(((size_of(entry), entry.name) for entry in site.iterdir()), reverse=True)
    for taken, name in packages[:12]:
        print(f"{taken / 1e6:7.1f} MB  {name}")
    print(f"{size_of(LEARNT) / 1e6:7.1f} MB  {LEARNT.relative_to(sys.prefix)}")


if __name__ == "__main__":
    main()
