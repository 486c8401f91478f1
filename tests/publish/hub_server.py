"""A Hub to push to: the commit protocol with LFS (basic and multipart), over real HTTP, in a process.

    python tests/publish/hub_server.py    # prints its port, serves until killed

It checks what the Hub checks: tokens, hashes and sizes of large files, that a commit names only objects
that arrived, that a card's block is YAML. `/_state` tells a test what it holds; `/_fail` makes it fail.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN = "hf_test"
LFS_PATTERNS = ("*.parquet", "*.png", "*.zip", "*.gz", "*.arrow", "*.npy")
LFS_BYTES = 10 * 1024 * 1024
CHUNK = 4096
"""Larger objects go up in parts of this size."""


@dataclass
class Repo:
    private: bool
    files: dict[str, tuple[bytes, bool]] = field(default_factory=dict)
    """Path -> content, and whether it is a large file."""
    commits: list[str] = field(default_factory=list)


@dataclass
class State:
    repos: dict[str, Repo] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    """Object ids, an entry a finished upload."""
    refuse_after: int | None = None
    """Uploads that are taken before the rest is refused."""
    lock: threading.Lock = field(default_factory=threading.Lock)


STATE = State()


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self._body()
        if path == "/_fail":
            STATE.refuse_after = json.loads(body)["after_uploads"]
            return self._json({})
        if not self._authorised():
            return self._json({"error": "Invalid username or password."}, 401)
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._validate(json.loads(body)["content"])
        if found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/preupload/main", path):
            return self._preupload(STATE.repos[found[1]], json.loads(body)["files"])
        if re.fullmatch(r"/datasets/[^/]+/[^/]+\.git/info/lfs/objects/batch", path):
            return self._batch(json.loads(body))
        if found := re.fullmatch(r"/lfs/([0-9a-f]{64})/complete", path):
            return self._complete(found[1], json.loads(body))
        if path == "/lfs/verify":
            sent = json.loads(body)
            good = len(STATE.objects.get(sent["oid"], b"")) == sent["size"]
            return self._json({}, 200 if good else 422)
        if found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/commit/main", path):
            return self._commit(found[1], [json.loads(line) for line in body.splitlines() if line])
        return self._json({"error": f"no {path}"}, 404)

    def do_PUT(self) -> None:
        url = urlsplit(self.path)
        body = self._body()
        if STATE.refuse_after is not None and len(STATE.uploads) >= STATE.refuse_after:
            return self._json({"error": "storage says no"}, 400)
        oid = url.path.split("/")[2]
        if "part" in (query := parse_qs(url.query)):
            with STATE.lock:
                STATE.parts.setdefault(oid, {})[int(query["part"][0])] = body
            return self._send(200, b"", {"ETag": hashlib.md5(body).hexdigest()})
        return self._store(oid, body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path == "/_state":
            return self._json(_describe())
        if found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/revision/main)?", path):
            return self._info(found[1])
        if found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/tree/\w+", path):
            return self._tree(found[1])
        if found := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/\w+/(.+)", path):
            return self._resolve(found[1], found[2])
        return self._json({"error": f"no {path}"}, 404)

    do_HEAD = do_GET

    # --- the protocol ---

    def _create(self, wanted: dict[str, object]) -> None:
        repo_id = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
        url = f"{self._root}/datasets/{repo_id}"
        if repo_id in STATE.repos:
            return self._json({"error": "You already created this dataset repo", "url": url}, 409)
        private = wanted.get("private") is True or wanted.get("visibility") == "private"
        STATE.repos[repo_id] = Repo(
            private=private, files={".gitattributes": (b"*.parquet filter=lfs", False)}
        )
        return self._json({"url": url, "name": repo_id})

    def _validate(self, content: str) -> None:
        found = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        if not found or not isinstance(yaml.safe_load(found[1]), dict):
            return self._json({"errors": [{"message": "no YAML block"}], "warnings": []}, 400)
        return self._json({"errors": [], "warnings": []})

    def _preupload(self, repo: Repo, files: list[dict[str, object]]) -> None:
        answers = []
        for file in files:
            path, size = str(file["path"]), int(str(file["size"]))
            binary = b"\0" in base64.b64decode(str(file["sample"]))
            large = size >= LFS_BYTES or binary or any(fnmatch.fnmatch(path, p) for p in LFS_PATTERNS)
            answers.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if large else "regular",
                    "shouldIgnore": False,
                    "oid": _oid(*repo.files[path]) if path in repo.files else None,
                }
            )
        self._json({"files": answers})

    def _batch(self, wanted: dict[str, list[dict[str, object]]]) -> None:
        objects = []
        for entry in wanted["objects"]:
            oid, size = str(entry["oid"]), int(str(entry["size"]))
            answer: dict[str, object] = {"oid": oid, "size": size}
            if oid not in STATE.objects:
                upload: dict[str, object] = {"href": f"{self._root}/lfs/{oid}"}
                if size > CHUNK:
                    count = -(-size // CHUNK)
                    parts = {f"{n + 1:05d}": f"{self._root}/lfs/{oid}?part={n + 1}" for n in range(count)}
                    upload = {
                        "href": f"{self._root}/lfs/{oid}/complete",
                        "header": {"chunk_size": str(CHUNK), **parts},
                    }
                answer["actions"] = {"upload": upload, "verify": {"href": f"{self._root}/lfs/verify"}}
            objects.append(answer)
        self._json({"transfer": "basic", "objects": objects})

    def _complete(self, oid: str, wanted: dict[str, object]) -> None:
        parts = STATE.parts.pop(oid, {})
        self._store(oid, b"".join(parts[number] for number in sorted(parts)))

    def _store(self, oid: str, body: bytes) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self._json({"error": "hash does not match"}, 422)
        with STATE.lock:
            STATE.objects[oid] = body
            STATE.uploads.append(oid)
        return self._json({})

    def _commit(self, repo_id: str, lines: list[dict[str, dict[str, str]]]) -> None:
        repo = STATE.repos[repo_id]
        files = dict(repo.files)
        header = lines[0]["value"]
        for line in lines[1:]:
            value = line["value"]
            match line["key"]:
                case "file":
                    files[value["path"]] = (base64.b64decode(value["content"]), False)
                case "lfsFile":
                    if value["oid"] not in STATE.objects:
                        return self._json({"error": f"no object {value['oid']}"}, 400)
                    files[value["path"]] = (STATE.objects[value["oid"]], True)
                case "deletedFile":
                    del files[value["path"]]
                case other:
                    return self._json({"error": f"unknown operation {other}"}, 400)
        with STATE.lock:
            repo.files = files
            repo.commits.append(header["summary"])
        oid = _sha(repo)
        return self._json(
            {"success": True, "commitOid": oid, "commitUrl": f"{self._root}/datasets/{repo_id}/commit/{oid}"}
        )

    def _info(self, repo_id: str) -> None:
        repo = STATE.repos.get(repo_id)
        if repo is None:
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        siblings = [{"rfilename": path} for path in sorted(repo.files)]
        return self._json({"id": repo_id, "sha": _sha(repo), "private": repo.private, "siblings": siblings})

    def _tree(self, repo_id: str) -> None:
        entries = []
        for path, (content, large) in sorted(STATE.repos[repo_id].files.items()):
            entry: dict[str, object] = {
                "type": "file", "path": path, "size": len(content), "oid": _oid(content, False),
            }  # fmt: skip
            if large:
                entry["lfs"] = {"oid": _oid(content, True), "size": len(content), "pointerSize": 130}
            entries.append(entry)
        self._json(entries)

    def _resolve(self, repo_id: str, path: str) -> None:
        repo = STATE.repos[repo_id]
        if path not in repo.files:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        content, large = repo.files[path]
        return self._send(200, content, {"X-Repo-Commit": _sha(repo), "ETag": f'"{_oid(content, large)}"'})

    # --- HTTP ---

    @property
    def _root(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]

    def _authorised(self) -> bool:
        public = self.path.startswith("/lfs/") and self.path.endswith("/complete")
        return public or self.headers.get("authorization") == f"Bearer {TOKEN}"

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().strip(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _json(self, value: object, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _oid(content: bytes, large: bool) -> str:
    if large:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _sha(repo: Repo) -> str:
    return hashlib.sha1(json.dumps(repo.commits).encode()).hexdigest()


def _describe() -> dict[str, object]:
    return {
        "uploads": STATE.uploads,
        "repos": {
            name: {
                "private": repo.private,
                "commits": repo.commits,
                "files": {
                    path: {"sha256": hashlib.sha256(content).hexdigest(), "lfs": large}
                    for path, (content, large) in repo.files.items()
                },
            }
            for name, repo in STATE.repos.items()
        },
    }


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    print(server.server_port, flush=True)
    server.serve_forever()
