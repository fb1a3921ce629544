"""Every block of the README runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

WITH_CLONES = True

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_python_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, *others = blocks("python")
    exec(compile(first, "README.md", "exec"), {})
    # Numbers may differ in the last digit on other machines.
    assert re.sub(r"\d", "#", capsys.readouterr().out) == re.sub(r"\d", "#", blocks("text")[0])
    for block in others:
        exec(compile(block, "README.md", "exec"), {})


def test_it_is_short():
    assert len(README.split()) < 900
    assert len(re.findall(r"^\|[-|: ]+\|$", README, flags=re.MULTILINE)) <= 3


def test_shell_blocks_run(tmp_path):
    assert blocks("sh")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in blocks("sh"):
        done = subprocess.run(
            ["sh", "-e", "-c", block], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "aeanomaly-demo" / "scored.csv").exists()


def test_the_commands_it_promises_are_in_the_makefile():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    for command in re.findall(r"^make ([\w-]+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE)
