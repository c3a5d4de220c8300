"""Where derived files are kept, and how a folder is written so that a reader never sees half of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from icdcoder.core.errors import ArtefactError

HELD = "in-use"


def cache_folder() -> Path:
    """$ICDCODER_CACHE, or the user's cache folder. The folder may not exist yet; nothing is made here."""
    chosen = os.environ.get("ICDCODER_CACHE")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("icdcoder"))


def content_key(*parts: str | bytes | Path) -> str:
    """A 20-character key over strings, bytes, and the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        body = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        digest.update(len(body).to_bytes(8, "little"))
        digest.update(body)
    return digest.hexdigest()[:20]


@contextmanager
def atomic_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yields a temporary sibling of `target` and renames it on success; on an error nothing is left behind.

    Raises ArtefactError where `target` exists (unless `replace`) or its parent cannot be written.
    """
    if target.exists() and not replace:
        raise ArtefactError(f"{target} exists already.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise ArtefactError(f"{target.parent} cannot be written: {error.strerror}.") from None
    try:
        yield work
        work.chmod(0o755)
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
            target.rename(old / "old")
            work.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Marks a folder as in use (`in_use`) until the block ends, or the process, however it does."""
    path = folder / HELD
    try:
        with path.open("wb") as file:
            _locked(file)
            yield
    finally:
        path.unlink(missing_ok=True)


def in_use(folder: Path) -> bool:
    """Whether a process holds the folder. False where a file system knows no locks."""
    try:
        with (folder / HELD).open("rb+") as file:
            return not _locked(file)
    except OSError:
        return False


def _locked(file: IO[bytes]) -> bool:
    """False where another has the lock. It goes with the process, so that a kill leaves none behind."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # no such locks here
        return True
    return True


def write_atomic(path: Path, body: str | bytes) -> None:
    """Writes a file through a temporary sibling and fsync, so that a kill leaves the old or the new one."""
    data = body.encode() if isinstance(body, str) else body
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        raise ArtefactError(f"{path} cannot be written: {error.strerror}.") from None
