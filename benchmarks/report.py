"""Where, when and with what something was measured; keeps results as JSON in ``benchmarks/results``."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
OWN_QUESTIONS = ROOT / "benchmarks" / "questions"
SHARED_DATA = ROOT.parent / "shared" / "data"
CACHE = ROOT / ".cache" / "benchmarks"
ENCODER = ROOT / "bot" / "matching" / "model" / "encoder.onnx"

_PACKAGES = ("numpy", "onnxruntime", "symspellpy")


def save(name: str, result: dict[str, Any], packages: Iterable[str] = ()) -> None:
    """Write ``results/NAME.json``, with what somebody needs to know who wants the same numbers."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    whole = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "command": command(),
        "machine": machine(),
        "versions": versions(packages),
        **result,
    }
    file.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\nSaved in {file.relative_to(ROOT)}.")


def command() -> str:
    """What was typed, as somebody else would type it."""
    script = Path(sys.argv[0]).resolve()
    name = script.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") if ROOT in script.parents else "-"
    return shlex.join(["python", "-m", name, *sys.argv[1:]])


def machine() -> dict[str, Any]:
    """The processor, the cores that this process may use, the memory and the system."""
    return {
        "processor": _first_value("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": cores(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "memory_gb": round(int((_first_value("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 1e6, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions(packages: Iterable[str] = ()) -> dict[str, str]:
    """Of Python, of what the matcher computes with, of IRIS and of its encoder."""
    found = {"python": platform.python_version(), "iris": _commit()}
    found["encoder"] = sha256(ENCODER.read_bytes()).hexdigest()[:16] if ENCODER.is_file() else "missing"
    for name in (*_PACKAGES, *packages):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def existing(files: Iterable[Path]) -> list[Path]:
    """Those that are there; the command ends with a sentence where none is."""
    files = list(files)
    there = [file for file in files if file.is_file()]
    if not there:
        sys.exit(f"There is none of these files: {', '.join(map(str, files))}. Give paths on the command line.")
    return there


def name_of(file: Path) -> str:
    """Short and telling, the same on every machine."""
    file = file.resolve()
    for base in (ROOT, ROOT.parent):
        if base in file.parents:
            return file.relative_to(base).as_posix()
    return file.name


def _first_value(file: str, key: str) -> str:
    try:
        for line in Path(file).read_text(encoding="utf-8").splitlines():
            if line.startswith(key):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return ""


def _commit() -> str:
    """The commit that was measured; "+" after it where the code has changed since."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return told.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
