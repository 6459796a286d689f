"""minicnn quiz: the conversation, the questions on paper, the banks."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from minicnn import quiz
from minicnn.cli import quiz_talk
from minicnn.cli.quiz import _again
from minicnn.cli.terminal import Terminal
from minicnn.quiz.asking import Session
from minicnn.quiz.question import shown

WORDS = ("output_shape", "--n", "2", "--seed", "4", "--level", "1")


def planned(seed=4, n=2):
    session = Session(("output_shape",), n=n, seed=seed, level=1)
    asked = session.next()
    return session, asked.question


def talked(session, answers, capsys):
    """Talk with answers that are lines, functions of the question that is asked, or exceptions; return what was read and the session."""
    lines, current = iter(answers), []

    def read(prompt):
        assert prompt == "> "
        answer = next(lines, "q")
        if isinstance(answer, type):
            raise answer
        return answer(current[-1]) if callable(answer) else answer

    put = quiz_talk.put
    quiz_talk.put = lambda terminal, question, head: (current.append(question), put(terminal, question, head))
    try:
        after, interrupted = quiz_talk.talk(session, Terminal(), read)
        quiz_talk.summary(Terminal(), after, "minicnn quiz --seed 4")
    finally:
        quiz_talk.put = put
    return capsys.readouterr().out, after, interrupted


def right(question):
    return shown(question.answer)


def wrong(question):
    return shown(question.wrong[0].value)


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def test_the_command_that_asks_again_names_the_key():
    session, _ = planned()
    named = replace(session, student="Ada Lovelace", key=b"0123456789abcdef")
    assert _again(named, None, "my key") == "minicnn quiz --level 1 --n 2 --student 'Ada Lovelace' --key 'my key' --seed 4"


class TestTalk:
    def test_all_right(self, capsys):
        session, first = planned()
        out, after, interrupted = talked(session, [right, right], capsys)
        assert not interrupted
        assert out.count("Right.") == 2
        assert first.derivation[-1] in out
        assert "2 of 2 right at the first try." in out
        assert "again         minicnn quiz --seed 4" in out
        assert all(each.right for each in after.answers)

    def test_a_wrong_answer_is_met_by_its_idea_and_may_be_mended(self, capsys):
        session, first = planned(n=1)
        out, after, _ = talked(session, [wrong, right, right, right], capsys)
        flat = " ".join(out.split())
        says = first.wrong[0].says
        assert f"Not {first.wrong[0].value}. {says} Once more, or ? for the derivation." in flat
        assert "(back to what went wrong)" in flat
        assert f"Gone: {says}" in flat
        assert f"gone {says}" in flat
        assert [each.right for each in after.answers] == [False, True, True]
        assert "2 of 3 right at the first try." in flat

    def test_the_derivation_waits_for_the_second_try(self, capsys):
        session, first = planned(n=1)
        out, _, _ = talked(session, [wrong], capsys)
        assert first.derivation[-1] not in out
        out, _, _ = talked(session, [wrong, wrong], capsys)
        assert first.derivation[-1] in out
        out, after, _ = talked(session, ["?"], capsys)
        assert first.derivation[-1] in out
        assert after.answers[0].value is None
        out, _, _ = talked(session, [wrong, "show me"], capsys)
        assert first.derivation[-1] in out

    def test_what_cannot_be_read_is_not_counted(self, capsys):
        session, first = planned(n=1)
        out, after, _ = talked(session, ["eight", "", right], capsys)
        assert f"numbers are typed in digits, but 'eight' has none; type for example {first.form}." in " ".join(out.split())
        assert "nothing was typed" in out
        assert after.answers[0].right

    def test_four_wrong_answers_are_put_off(self, capsys):
        session, first = planned(n=1)
        same = lambda question: shown(next(each.value for each in question.wrong if each.says == first.wrong[0].says))  # noqa: E731
        out, after, _ = talked(session, [same, "?"] * 4, capsys)
        assert "Enough of that for now; lesson 02 explains it." in out
        assert "still there" in out
        assert "To reread: minicnn lesson 02" in " ".join(out.split())
        assert len(after.answers) == 4

    @pytest.mark.parametrize(("leave", "interrupted"), [("q", False), ("quit", False), (EOFError, False), (KeyboardInterrupt, True)])
    def test_leaving_tells_what_was_answered(self, capsys, leave, interrupted):
        out, after, was = talked(planned()[0], [right, leave], capsys)
        assert was == interrupted
        assert "1 of 1 right at the first try." in out
        assert len(after.answers) == 1
        out, after, was = talked(planned()[0], [leave], capsys)
        assert "Nothing was answered." in out
        out, after, was = talked(planned()[0], [wrong, leave], capsys)
        assert "0 of 1 right" in out

    def test_choices_are_numbered(self, capsys):
        question = quiz.Question("output_shape", 1, "Which?", "left", "left", ("left.",), (), ("right", "left"))
        quiz_talk.put(Terminal(), question, "1")
        out = capsys.readouterr().out
        assert "  1           right\n  2           left\n" in out
        assert quiz_talk._reply(Terminal(), question, lambda prompt: "2") == "left"


class TestOnPaper:
    def test_without_a_terminal_the_questions_are_printed(self, run):
        result = run(*("quiz", *WORDS))
        assert result.exit_code == 0
        assert " ".join(planned()[1].text.split()) in " ".join(result.stdout.split())
        assert "1  output_shape, level 1" in result.stdout
        assert "--json has the answers" in " ".join(result.stderr.split())
        assert planned()[1].derivation[-1] not in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= 80

    def test_json_is_the_same_questions_with_their_answers(self, run):
        document = json.loads(run("quiz", *WORDS, "--json").stdout)
        assert document["seed"] == 4
        assert document["questions"][0] == planned()[1].to_dict()
        assert len(document["questions"]) == 2
        drawn = json.loads(run("quiz", "--json").stdout)
        assert len(drawn["questions"]) == 10
        assert json.loads(run("quiz", "--json", "--seed", str(drawn["seed"])).stdout) == drawn

    def test_students(self, run, tmp_path):
        (tmp_path / "key").write_text("a secret of the course")
        words = ("quiz", "shapes", "--json", "--n", "2", "--student")
        ada, emmy = (run(*words, name).stdout for name in ("Ada", "Emmy"))
        assert ada != emmy
        assert ada == run(*words, "Ada").stdout
        assert ada != run(*words, "Ada", "--key", "key").stdout

    def test_the_list(self, run):
        result = run("quiz", "--list")
        assert all(name in result.stdout for name in quiz.TOPICS)
        assert "To begin: minicnn quiz " in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= 80
        document = json.loads(run("quiz", "shapes", "--list", "--json").stdout)
        assert {each["lesson"] for each in document} == {"02"}
        assert document[0]["levels"] == quiz.TOPICS[document[0]["name"]].levels

    def test_help_has_an_example_that_works(self, run):
        text = run("quiz", "--help").stdout
        example = " ".join(text[text.index("Example:") :].split()).removeprefix("Example: minicnn ")
        assert run(*shlex.split(example)).exit_code == 0
        assert max(map(len, text.splitlines())) <= 80


class TestBanks:
    def test_a_bank(self, run, tmp_path):
        result = run("quiz", "shapes", "--bank", "bank.gift", "--n", "6")
        assert (result.exit_code, result.stderr) == (0, "")
        assert "bank          6 questions in bank.gift" in result.stdout
        assert "Question bank, Import, GIFT format" in result.stdout
        assert (tmp_path / "bank.gift").read_text(encoding="utf-8").count("::[plain]") == 6
        document = json.loads(run("quiz", "output_shape", "--bank", "bank.json", "--json").stdout)
        assert document == {"bank": "bank.json", "questions": 50, "topics": ["output_shape"]}

    def test_it_is_not_replaced_unasked(self, run, mistake, tmp_path):
        (tmp_path / "bank.gift").write_text("kept")
        message = mistake("quiz", "shapes", "--bank", "bank.gift")
        assert message == "error: bank: no file is replaced unasked, but 'bank.gift' is there; name another file, or add --overwrite."
        assert (tmp_path / "bank.gift").read_text() == "kept"
        assert run("quiz", "shapes", "--bank", "bank.gift", "--overwrite", "--n", "3").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shaps",), "quiz: there is no topic or lesson 'shaps'. Did you mean 'shapes'?"),
        (("output_shape", "--level", "9"), "quiz: output_shape has levels 1 to 3, but level is 9."),
        (("--n", "1001"), "quiz: at most 1,000 questions are planned, but n is 1,001"),
        (("--key", "key"), "--key: the course's secret makes a student's questions, but no student is named; add --student NAME."),
        (("--student", "Ada", "--key", "nowhere"), "secret: there is no file 'nowhere'"),
        (("--bank", "bank.doc"), "bank: a bank is written as .gift (Moodle) or .json"),
    ],
)
def test_mistakes(mistake, words, message):
    assert message in mistake("quiz", *words)


@pytest.mark.parametrize("words", [("--n", "0"), ("--seed", "-1"), ("--level", "x")])
def test_wrong_options_are_2(run, words):
    assert run("quiz", *words).exit_code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudoterminal is POSIX's")
def test_interrupted_in_a_terminal_it_tells_what_was_answered_and_leaves_with_130():
    import pty
    import select

    begin = "import signal, sys; from minicnn.cli import main; signal.signal(signal.SIGINT, signal.default_int_handler); main()"
    terminal, inside = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [
        sys.executable,
        "-c",
        begin,
        "quiz",
        *WORDS,
    ]  # where tests run in the background, SIGINT may be ignored, and children inherit that
    running = subprocess.Popen(words, stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True)
    os.close(inside)
    seen, answered, pressed, deadline = b"", False, 0.0, time.monotonic() + 120
    try:
        while running.poll() is None and time.monotonic() < deadline:
            if select.select([terminal], [], [], 1)[0]:
                with contextlib.suppress(OSError):  # the other side is closed
                    seen += os.read(terminal, 4096)
            if not answered and seen.count(b"> ") == 1:
                os.write(terminal, f"{right(planned()[1])}\n".encode())
                answered = True
            elif seen.count(b"> ") > 1 and time.monotonic() > pressed + 2:  # again: one that comes just before the read only sets a flag
                os.killpg(running.pid, signal.SIGINT)
                pressed = time.monotonic()
        assert running.wait(10) == 130, seen
    finally:
        running.kill()
        os.close(terminal)
    text = " ".join(seen.decode().split())
    assert "Right." in text
    assert "1 of 1 right at the first try." in text
    assert "again minicnn quiz output_shape --level 1 --n 2 --seed 4" in text
