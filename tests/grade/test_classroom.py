"""Grading a class: who is a student, what is kept, what an interruption costs, and what a process takes along when it dies."""

import dataclasses
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from handed import CORNER, RIGHT, WIDE, noted, notes, own_assignment, with_trap

from minicnn.errors import ArgumentError, FileFormatError, UnknownNameError, UnsupportedError
from minicnn.grade import classroom, processes, seeds
from minicnn.grade.assignments import find
from minicnn.grade.classroom import Order, carry_out, grade_class, result_file, students
from minicnn.grade.handed_in import Manner, asked_by, grade_submission, slug, unchecked
from minicnn.grade.results import item_analysis
from minicnn.grade.submission import Submission, take

SECRET = b"a course's secret, 31 bytes long"
QUICK = Manner(budget=8, sandbox="plain")


@pytest.fixture
def own(tmp_path):
    return own_assignment(tmp_path)


@pytest.fixture
def class_(tmp_path):
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "ada.py").write_text(RIGHT)
    (folder / "bob.py").write_text(CORNER)
    (folder / "eve").mkdir()
    (folder / "eve/center_crop.py").write_text(RIGHT)
    (folder / "eve/conftest.py").write_text("raise SystemExit")
    (folder / "dora.py").write_text("def center_crop(:")
    return folder


def order_of(class_, own, student="ada", **changes):
    order = Order(student, class_ / f"{student}.py", class_.parent / "grades", str(own), SECRET, QUICK)
    (order.results / "students").mkdir(parents=True, exist_ok=True)
    return dataclasses.replace(order, **changes)


class TestStudents:
    def test_names_are_those_of_the_entries(self, tmp_path):
        for name in ("ada.py", "Bob Smith.tar.gz", "eve.zip", ".DS_Store", "f.g.py"):
            (tmp_path / name).touch()
        for name in ("carl.d", "__MACOSX"):
            (tmp_path / name).mkdir()
        assert list(students(tmp_path)) == ["Bob Smith", "ada", "carl.d", "eve", "f.g"]

    def test_two_entries_of_one_name_keep_their_endings(self, tmp_path):
        for name in ("ada.py", "ada.zip", "bob.py"):
            (tmp_path / name).touch()
        assert list(students(tmp_path)) == ["ada.py", "ada.zip", "bob"]

    def test_no_two_are_one_and_nobody_is_lost(self, tmp_path):
        entries = ("ada.py", "ada.zip", "ada.py.zip", "Bob.py", "bob.zip", "x\x01.py", "x\x02.py")
        for name in entries:
            (tmp_path / name).touch()
        found = students(tmp_path)
        assert sorted(path.name for path in found.values()) == sorted(entries)
        assert len({name.casefold() for name in found}) == len(entries)

    def test_the_folder_of_results_is_no_student(self, tmp_path):
        (tmp_path / "ada.py").touch()
        (tmp_path / "grades").mkdir()
        assert list(students(tmp_path, tmp_path / "grades")) == ["ada"]

    def test_names_become_printable(self, tmp_path):
        (tmp_path / "a\tb.py").touch()
        assert list(students(tmp_path)) == ["a�b"]

    def test_folders_that_are_none(self, tmp_path):
        with pytest.raises(ArgumentError, match=r"grade: .* is empty; put one file, folder or zip a student into it\."):
            students(tmp_path)
        with pytest.raises(ArgumentError, match=r"grade: submissions stand in a folder, .* but there is none at .*nothing"):
            students(tmp_path / "nothing")

    def test_long_names_are_cut_and_stay_apart(self, tmp_path):
        one, other = (result_file(tmp_path, "ä" * 120 + end) for end in "xy")
        assert one != other
        assert max(len(path.name.encode()) for path in (one, other)) <= 170
        assert result_file(tmp_path, "ada") == tmp_path / "students" / "ada.json"


class TestOneSubmission:
    def test_a_right_one(self, own):
        report = grade_submission(find(own), Submission("ada.py", "import os\n" + RIGHT), student="ada", seed=5, manner=QUICK)
        assert (report.passed, report.earned, report.points, report.student, report.seed) == (True, 10, 10, "ada", "5")
        assert report.advice[0].startswith("Line 1 imports os")
        assert any("plain" in sentence or "process" in sentence for sentence in report.in_force)

    def test_a_wrong_one_is_named(self, own):
        report = grade_submission(find(own), Submission("bob.py", CORNER), manner=QUICK)
        assert (report.passed, report.earned) == (False, 0)
        assert report.parts[0].failure.misconception.name == "from the corner"

    def test_one_that_cannot_be_asked_fails_every_part(self):
        report = grade_submission(find("06"), Submission("ada.py", problem="It is empty.", notes=("taken",)), manner=QUICK)
        assert (report.problem, report.earned, report.points, report.passed) == ("It is empty.", 0, 10, False)
        assert len(report.parts) == len(find("06").tasks[0].parts) + 1  # the race is a part
        assert report.advice == ("taken",)

    def test_one_whose_import_fails(self, own):
        report = grade_submission(find(own), Submission("ada.py", "raise KeyError('mine')"), manner=QUICK)
        assert "KeyError" in report.problem
        assert (report.earned, report.points) == (0, 10)
        assert report.in_force

    def test_a_sandbox_that_is_required_and_missing(self, own, tmp_path, class_):
        with pytest.raises(UnsupportedError):
            grade_class(str(own), class_, tmp_path / "grades", SECRET, manner=Manner(8, "plain", require_sandbox=True))
        assert not (tmp_path / "grades").exists()


class TestWhichAssignment:
    def test_by_functions(self, tmp_path):
        source = "def relu(x): pass\ndef max_pool2d(): pass\n"
        assert asked_by(Submission("a.py", source), tmp_path / "a.py").number == "03"

    def test_two_that_ask_for_the_same_are_told_apart_by_names(self, tmp_path):
        same = Submission("fast_conv2d.py", "def conv2d(): pass\n")
        assert asked_by(same, tmp_path / "fast_conv2d.py").number == "06"
        assert asked_by(Submission("x.py", same.source), tmp_path / "02_conv2d" / "x.py").number == "02"

    def test_or_not(self, tmp_path):
        with pytest.raises(
            ArgumentError, match=r"a\.py defines conv2d, which 02 \(conv2d\) and 06 \(fast conv2d\) ask for; .* --assignment 02\."
        ):
            asked_by(Submission("a.py", "def conv2d(): pass\n"), tmp_path / "a.py")
        with pytest.raises(
            ArgumentError, match=r"a\.py defines no function that an assignment asks for \(01: output_size, .*--assignment 01\."
        ):
            asked_by(Submission("a.py", "def f(): pass\n"), tmp_path / "a.py")

    def test_a_text_that_does_not_parse_goes_by_its_name(self, tmp_path):
        assert asked_by(Submission("conv2d_backward.py", problem="…"), tmp_path / "conv2d_backward.py").number == "05"

    def test_a_text_that_does_not_parse_says_so_first(self, tmp_path):
        with pytest.raises(ArgumentError, match=r"^line 1 is wrong\. Nor can be seen which assignment it is: --assignment 01 says it\.$"):
            asked_by(Submission("mine.py", problem="line 1 is wrong."), tmp_path / "mine.py")

    def test_most_often(self, tmp_path):
        for name, text in (("a", "def relu(x): pass"), ("b", "def relu(x): pass"), ("c", "def conv1x1(): pass"), ("d", "(")):
            (tmp_path / f"{name}.py").write_text(text)
        assert classroom.most_often(students(tmp_path)) == "03"
        with pytest.raises(ArgumentError, match=r"the submissions do not say which one is meant; say it: --assignment 02\."):
            classroom.most_often({"d": tmp_path / "d.py"})

    def test_slugs(self, own):
        assert [slug(find(which)) for which in ("01", "06", own)] == ["shapes", "fast_conv2d", "center_crop"]


class TestWhatIsKept:
    def result(self, order):
        return json.loads(result_file(order.results, order.student).read_text())

    def test_a_result_is_a_page_and_a_document(self, class_, own):
        order = order_of(class_, own)
        carry_out(order)
        document = self.result(order)
        assert (document["report"]["student"], document["report"]["earned"]) == ("ada", 10)
        assert document["report"]["seed"] == "from the course's secret"
        assert result_file(order.results, "ada").with_suffix(".html").read_text().startswith("<!doctype html")
        assert [path.name for path in (order.results / "students").iterdir() if path.name.endswith(".part")] == []

    def test_the_same_is_not_graded_again(self, class_, own, monkeypatch):
        order = order_of(class_, own)
        carry_out(order)
        monkeypatch.setattr(classroom, "grade_submission", lambda *_, **__: pytest.fail("graded again"))
        carry_out(order)

    @pytest.mark.parametrize("change", ["submission", "checks", "secret", "manner", "damage", "asked", "format"])
    def test_what_changed_is(self, change, class_, own, monkeypatch):
        order = order_of(class_, own)
        carry_out(order)
        file, before = result_file(order.results, "ada"), self.result(order)["key"]
        if change == "submission":
            (class_ / "ada.py").write_text(RIGHT + "\n# handed in again\n")
        elif change == "checks":
            (own / "checks.py").write_text((own / "checks.py").read_text() + "\n")
        elif change == "damage":
            file.write_text(file.read_text()[:-40])
        elif change == "format":
            monkeypatch.setattr(classroom, "FORMAT", 2)
        order = dataclasses.replace(
            order,
            secret=b"another secret of a course" if change == "secret" else SECRET,
            manner=QUICK._replace(budget=9) if change == "manner" else QUICK,
            again=change == "asked",
        )
        graded = []
        monkeypatch.setattr(classroom, "grade_submission", lambda *args, **how: graded.append(1) or grade_submission(*args, **how))
        carry_out(order)
        assert graded == [1]
        assert (self.result(order)["key"] == before) is (change in ("damage", "asked"))

    def test_the_students_seed_is_used(self, class_, own, monkeypatch):
        seen = []
        monkeypatch.setattr(classroom, "grade_submission", lambda *_, seed, **__: seen.append(seed) or unchecked(find(own), "…"))
        carry_out(order_of(class_, own))
        assert seen == [seeds.seed_of(SECRET, "ada", "center_crop")]

    def test_a_defect_of_ours_is_told_and_graded_again(self, class_, own, monkeypatch):
        order = order_of(class_, own)
        monkeypatch.setattr(classroom, "grade_submission", lambda *_, **__: 1 / 0)
        carry_out(order)
        assert self.result(order)["key"] == ""
        assert self.result(order)["report"]["problem"].startswith("the grader failed (ZeroDivisionError: division by zero)")
        monkeypatch.undo()
        carry_out(order)
        assert self.result(order)["report"]["passed"] is True


class TestAClass:
    def test_from_submissions_to_tables(self, class_, own, tmp_path):
        done, results = [], tmp_path / "grades"
        reports = grade_class(str(own), class_, results, SECRET, workers=2, manner=QUICK, told=done.append)
        assert sorted(done) == ["ada", "bob", "dora", "eve"]
        assert [(report.student, report.earned) for report in reports] == [("ada", 10), ("bob", 0), ("dora", 0), ("eve", 10)]
        assert reports[2].problem.startswith("dora.py, line 1: Python cannot read")
        assert reports[3].advice[0] == "Only center_crop.py was taken from eve; nothing else in it was used."
        classroom.write_tables(results, reports, item_analysis(reports))
        assert (results / "class.csv").read_text(encoding="utf-8-sig").splitlines()[2].startswith("bob,0,10,no,,from the corner")
        assert json.loads((results / "items.json").read_text())["submissions"] == 4

        written = {path: path.stat().st_mtime_ns for path in (results / "students").glob("*.json")}
        (class_ / "bob.py").write_text(RIGHT)
        again = grade_class(str(own), class_, results, SECRET, workers=2, manner=QUICK)
        assert [report.earned for report in again] == [10, 10, 0, 10]
        assert [path.stem for path, before in written.items() if path.stat().st_mtime_ns != before] == ["bob"]

        alone = grade_class(str(own), class_, results, SECRET, only="ada", manner=QUICK)
        assert [report.student for report in alone] == ["ada", "bob", "dora", "eve"]
        assert [path.stem for path, before in written.items() if path.stat().st_mtime_ns != before] in (["ada", "bob"], ["bob", "ada"])

    def test_a_student_whom_nobody_knows(self, class_, own, tmp_path):
        with pytest.raises(UnknownNameError, match=r"grade: there is no student 'adda' in .* Did you mean 'ada'\?"):
            grade_class(str(own), class_, tmp_path / "grades", SECRET, only="adda")

    def test_a_process_that_dies_takes_nobody_along_and_leaves_nothing(self, class_, own, tmp_path, monkeypatch):
        (tmp_path / "temporary").mkdir()
        (tmp_path / "temporary").chmod(0o711)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        with_trap(own, "os._exit(3)")
        (class_ / "carl.py").write_text(WIDE)
        done = []
        reports = grade_class(str(own), class_, tmp_path / "grades", SECRET, workers=2, manner=QUICK._replace(budget=40), told=done.append)
        assert sorted(done) == ["ada", "bob", "carl", "dora", "eve"]
        assert {report.student: report.earned for report in reports} == {"ada": 10, "bob": 0, "carl": 0, "dora": 0, "eve": 10}
        assert reports[2].problem == "the grader's own process ended on this submission; please tell your instructor."
        assert json.loads(result_file(tmp_path / "grades", "carl").read_text())["key"] == ""  # and is tried again the next time
        assert list((tmp_path / "temporary").iterdir()) == []

    @pytest.mark.skipif(os.name == "nt", reason="Ctrl-C as a signal to a process group is POSIX")
    def test_an_interruption_loses_nothing(self, class_, own, tmp_path):
        for number in range(12):
            (class_ / f"s{number}.py").write_text(CORNER)
        words = [
            sys.executable,
            "-c",  # where tests run in the background, SIGINT may be ignored, and children inherit that
            "import signal; from minicnn.cli import main; signal.signal(signal.SIGINT, signal.default_int_handler); main()",
            "assignment",
            "grade",
            str(class_),
            "--assignment",
            str(own),
            "--out",
            str(tmp_path / "grades"),
        ]
        words += ["--jobs", "2", "--budget", "8", "--sandbox", "plain"]
        running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("grades/students/*.json"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
        assert running.returncode == 130, said
        assert "the same command goes on from there" in " ".join(said.split())
        first = {path: path.stat().st_mtime_ns for path in tmp_path.glob("grades/students/*.json")}
        assert 2 <= len(first) < 16
        assert all(json.loads(path.read_text())["key"] for path in first)
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert "16 submissions" in done.stdout
        assert all(path.stat().st_mtime_ns == before for path, before in first.items())
        assert len(list(tmp_path.glob("grades/students/*.json"))) == 16


class TestProcesses:
    def test_what_is_lost_is_handed_back_in_line(self, tmp_path):
        orders = [(tmp_path, name) for name in ("a", "die", "c", "d", "e")]
        done = []
        lost = processes.in_processes(noted, orders, 1, done.append)
        assert done + lost == [order for order in orders if order in done] + lost
        assert (tmp_path, "die") in lost
        assert len(done) + len(lost) == 5
        assert lost == [order for order in orders if order in lost]

    def test_what_work_raises_is_raised(self, tmp_path):
        with pytest.raises(ValueError, match="as was ordered"):
            processes.in_processes(noted, [(tmp_path, "raise")], 1, lambda order: None)

    def test_an_interruption_lets_those_in_hand_finish(self, tmp_path):
        def interrupted(order):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            processes.in_processes(noted, [(tmp_path, str(number)) for number in range(40)], 1, interrupted)
        assert 1 <= len(notes(tmp_path)) < 10

    def test_the_environment_is_as_before(self, tmp_path, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "7")
        monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
        with processes._surroundings():
            assert [os.environ[name] for name in processes.THREADS] == ["1"] * 5
            folder = os.environ["TMPDIR"]
            assert os.path.isdir(folder)
        assert not os.path.exists(folder)
        assert os.environ.get("TMPDIR") != folder
        assert os.environ["OMP_NUM_THREADS"] == "7"
        assert "NUMBA_NUM_THREADS" not in os.environ

    @pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
    def test_no_process_outlives_the_parent(self, tmp_path):
        code = f"import sys; sys.path[:] = {sys.path!r}\nfrom handed import noted\nfrom pathlib import Path\nfrom minicnn.grade.processes import in_processes\n"
        code += f"if __name__ == '__main__':\n    in_processes(noted, [(Path({str(tmp_path)!r}), 'sleep')] * 2, 2, print)\n"
        script = tmp_path.parent / f"{tmp_path.name}.py"
        script.write_text(code)
        temporary = script.with_suffix(".temporary")
        temporary.mkdir()
        environment = {**os.environ, "TMPDIR": str(temporary)}
        parent = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.DEVNULL, env=environment)
        deadline = time.monotonic() + 60
        while len(notes(tmp_path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        parent.kill()
        parent.wait()
        workers = [path.name.split(".")[1] for path in tmp_path.iterdir()]
        assert len(workers) == 2

        def alive(pid):
            try:
                return b"spawn" in Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                return False

        while any(map(alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(alive, workers))
        assert list(temporary.iterdir()) == []


class TestSeeds:
    def test_it_is_hmac_sha256_of_both_with_their_lengths(self):
        message = bytes(7) + b"\x03Ada" + bytes(7) + b"\x0202"
        expected = int(hmac.new(SECRET, message, hashlib.sha256).hexdigest()[:16], 16)
        assert seeds.seed_of(SECRET, "Ada", "02") == expected

    def test_every_part_counts_and_none_runs_into_the_next(self):
        cases = [(SECRET, "ab", "c"), (SECRET, "a", "bc"), (SECRET[::-1], "a", "bc"), (SECRET, "a", "b"), (SECRET, "", "abc")]
        assert len({seeds.seed_of(*case) for case in cases}) == 5

    def test_a_secret_that_can_be_guessed_is_refused(self, tmp_path):
        with pytest.raises(
            ArgumentError, match=r"seed_of: a course's secret has at least 16 bytes, but it has 5; make one: secrets\.token_hex\(32\)\."
        ):
            seeds.seed_of(b"short", "Ada", "02")
        (tmp_path / "key").write_text("short\n")
        with pytest.raises(
            FileFormatError, match=r"secret: a course's secret has 16 to 4,096 bytes, but .*key' holds 5; make one: python -c"
        ):
            seeds.read_secret(tmp_path / "key")
        (tmp_path / "key").write_bytes(b"x" * 5000)
        with pytest.raises(FileFormatError, match="holds more; make one"):
            seeds.read_secret(tmp_path / "key")
        with pytest.raises(FileFormatError, match=r"secret: there is no file .*nothing"):
            seeds.read_secret(tmp_path / "nothing")

    def test_a_new_one_is_its_owners_and_is_kept(self, tmp_path):
        secret = seeds.new_secret(tmp_path / "key")
        assert len(secret) == 64
        assert seeds.new_secret(tmp_path / "key") == secret == seeds.read_secret(tmp_path / "key")
        if os.name != "nt":
            assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_taking_by_the_assignments_name(class_, own):
    assert take(class_ / "eve", slug(find(own))).file == "center_crop.py"
