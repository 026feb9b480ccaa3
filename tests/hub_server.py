"""A hub on 127.0.0.1: what huggingface_hub asks for when it downloads, and the ways it can fail."""

import hashlib
import re
import shutil
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = "model.safetensors"


@dataclass
class Request:
    """One line of the log. `start` is where its Range begins, `sent` how many bytes went out."""

    method: str
    repo: str
    revision: str
    file: str
    start: int
    authorization: str | None
    cdn: bool
    sent: int = 0


class Hub:
    """The server. Put folders into `repos`; make trouble with the other attributes.

    As on the real hub, the weights lie on another host (`localhost`, which is not `127.0.0.1`).
    """

    def __init__(self) -> None:
        self.repos: dict[str, tuple[Path, str]] = {}  # id → (folder, commit)
        self._etags: dict[Path, str] = {}
        self.reset()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def reset(self) -> None:
        """No trouble, and an empty log."""
        self.log: list[Request] = []
        self.refusals: dict[str, tuple[int, dict]] = {}  # id → (status, headers)
        self.login_page = False  # answer everything with HTML, as a hotel's network does
        self.silent = False  # accept connections, answer nothing
        self.corrupt = False  # change one byte of the weights
        self.cuts: list[int] = []  # break the connection when that much of the weights was sent
        self.stall_at: int | None = None  # send no more after that much of the weights
        self.stalled, self.go_on = threading.Event(), threading.Event()

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def gets(self, file: str = WEIGHTS) -> list[Request]:
        """The downloads of `file`, in their order."""
        return [one for one in self.log if one.method == "GET" and one.file == file]

    def etag(self, path: Path) -> str:
        """SHA-256 for weights, as for every large file; for others what git calls them."""
        if path not in self._etags:
            data = path.read_bytes()
            small = hashlib.sha1(b"blob %d\0" % len(data) + data)
            digest = hashlib.sha256(data) if path.name == WEIGHTS else small
            self._etags[path] = digest.hexdigest()
        return self._etags[path]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *words) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hub = self.hub
        if hub.silent:
            hub.go_on.wait(60)
            return
        if hub.login_page:
            return self._say(200, {"Content-Type": "text/html"}, b"<html>Room number?</html>", body)
        asked = re.fullmatch(r"(/cdn)?/([^/]+/[^/]+|[^/]+)/resolve/([^/]+)/(.+)", self.path)
        if not asked:
            return self._say(404, {}, b"", body)
        cdn, repo, revision, file = asked.groups()
        span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(span.group(1)) if span else 0
        token = self.headers.get("Authorization")
        request = Request(self.command, repo, revision, file, start, token, bool(cdn))
        hub.log.append(request)
        if repo in hub.refusals:
            return self._say(*hub.refusals[repo], b"", body)
        if repo not in hub.repos:
            return self._say(404, {"X-Error-Code": "RepoNotFound"}, b"", body)
        folder, commit = hub.repos[repo]
        if revision not in ("main", commit):
            return self._say(404, {"X-Error-Code": "RevisionNotFound"}, b"", body)
        headers = {"X-Repo-Commit": commit}
        path = folder / file
        if not path.is_file():
            return self._say(404, headers | {"X-Error-Code": "EntryNotFound"}, b"", body)
        size, etag = path.stat().st_size, f'"{hub.etag(path)}"'
        if file == WEIGHTS and not cdn:
            headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(size)}
            headers["Location"] = f"http://localhost:{hub.port}/cdn{self.path}"
            return self._say(302, headers, b"", body)
        if start >= size:
            return self._say(416, {}, b"", body)
        headers |= {"ETag": etag, "Accept-Ranges": "bytes", "Content-Length": str(size - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        self._say(206 if start else 200, headers, None, body)
        if body:
            self._send(path, request)

    def _say(self, status: int, headers: dict, text: bytes | None, body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if text is not None:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if body and text:
            self.wfile.write(text)

    def _send(self, path: Path, request: Request) -> None:
        hub, weights = self.hub, path.name == WEIGHTS
        end = path.stat().st_size
        if weights and hub.cuts:
            end = min(end, max(hub.cuts.pop(0), request.start))
        with open(path, "rb") as file:
            file.seek(request.start)
            while (at := request.start + request.sent) < end:
                if weights and hub.stall_at is not None and at >= hub.stall_at:
                    hub.stalled.set()
                    hub.go_on.wait(60)
                    break
                data = bytearray(file.read(min(1 << 20, end - at)))
                if weights and hub.corrupt and at == 0:
                    data[-1] ^= 1
                try:
                    self.wfile.write(data)
                except OSError:  # the other side has left
                    break
                request.sent += len(data)
        if request.start + request.sent < path.stat().st_size:
            self.close_connection = True
            self.connection.shutdown(2)


def copy_without(folder: Path, file: str, to: Path) -> Path:
    """A copy of a checkpoint that lacks one file."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(file))
    return to
