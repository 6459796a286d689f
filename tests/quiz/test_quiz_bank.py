"""Question banks, read back by a parser that knows nothing of how they were written."""

import json
import re

import pytest

from minicnn import quiz
from minicnn.errors import ArgumentError, FileFormatError, UnknownNameError
from minicnn.quiz.banks import as_gift, different
from minicnn.quiz.question import Question, Wrong, shown

BLOCK = re.compile(r"::(?P<name>(?:\\.|[^\\:])*)::\[plain\](?P<text>(?:\\.|[^\\{}])*)\{(?P<body>(?:\\.|[^\\{}])*)\}\Z", re.DOTALL)
ENTRY = re.compile(r"(?P<mark>[=~])(?P<value>(?:\\.|[^\\=~#])*)(?:#(?P<says>(?:\\.|[^\\=~#])*))?")


def plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text.strip())


def parsed(gift: str):
    """Yield (category, name, text, numeric, {value: (credit, feedback)}, derivation) as Moodle's importer would."""
    category = None
    for block in re.split(r"\n\s*\n", gift.strip()):
        if block.startswith("$CATEGORY:"):
            category = block.removeprefix("$CATEGORY:").strip()
            continue
        found = BLOCK.match(block)
        assert found, block
        body = found["body"]
        numeric = body.startswith("#") and not body.startswith("####")
        body, mark, derivation = body[numeric:].partition("####")
        assert mark
        answers = {}
        for entry in ENTRY.finditer(body):
            credit, value = float(entry["mark"] == "="), entry["value"].strip()
            if weighed := re.match(r"%(\d+)%", value):
                credit, value = int(weighed[1]) / 100, value[weighed.end() :]
            if numeric:
                value, _, within = value.rpartition(":")
                assert within == "0"
                value = float(value)
            else:
                value = plain(value)
            assert value not in answers
            answers[value] = (credit, plain(entry["says"] or ""))
        yield category, plain(found["name"]), plain(found["text"]), numeric, answers, plain(derivation)


@pytest.mark.parametrize("topic", list(quiz.TOPICS))
def test_every_topic_comes_back_as_it_went(topic):
    questions = different((topic,), 12)
    read = list(parsed(as_gift(questions)))
    assert len(read) == len(questions) == len({q.text for q in questions}) == 12
    for q, (category, name, text, numeric, answers, derivation) in zip(questions, read, strict=True):
        assert category == f"$course$/minicnn/{quiz.TOPICS[topic].title}"
        assert name == f"{topic}, level {q.level}, {q.seed}"
        assert quiz.question(topic, q.level, q.seed) == q
        assert " ".join(text.split()) == " ".join(q.text.split())
        assert derivation == "\n".join(q.derivation)
        right = q.answer if numeric else shown(q.answer, q.form)
        assert numeric == isinstance(q.answer, int)
        assert [value for value, (credit, _) in answers.items() if credit] == [right]
        says = {value if numeric else shown(value, q.form): sentence for value, sentence in ((each.value, each.says) for each in q.wrong)}
        for value in set(answers) - {right}:
            assert answers[value][1] == says.get(value, "")
        assert len(answers) >= 2


def test_what_gift_reads_as_its_own_is_escaped():
    text = "a {b} ~ c = d # e : f \\ g\n\nnext\n// no comment"
    assert r"a \{b\} \~ c \= d \# e \: f \\ g\n\nnext\n// no comment" in as_gift([Question("t", 1, text, 1, "2", ("1",))])
    asked = Question("t", 1, text, "x=1", "a", ("1 = 1", "{2}"), (Wrong("~y#", "no: {x} = ~"),), ("x=1", "~y#", "z"), seed=0)
    ((_, name, read, numeric, answers, derivation),) = parsed(as_gift([asked]))
    assert (name, read, numeric, derivation) == ("t, level 1, 0", text, False, "1 = 1\n{2}")
    assert answers == {"x=1": (1, ""), "~y#": (0, "no: {x} = ~"), "z": (0, "")}


def test_fractions_and_negative_numbers_are_numbers():
    asked = Question("t", 1, "?", 0, "1", ("0",), (Wrong(7.5, "a"), Wrong(-3, "b")), seed=0)
    ((_, _, _, numeric, answers, _),) = parsed(as_gift([asked]))
    assert numeric
    assert answers == {0: (1, ""), 7.5: (0, "a"), -3: (0, "b")}


def test_the_answer_is_not_always_in_one_place():
    places = set()
    for q in different(("output_shape",), 20, level=2):
        ((_, _, _, _, answers, _),) = parsed(as_gift([q]))
        places.add(list(answers).index(shown(q.answer)))
        assert len(answers) <= 6
    assert len(places) > 2


def test_files(tmp_path):
    questions = quiz.bank(tmp_path / "bank.gift", "shapes", n=7)
    assert (tmp_path / "bank.gift").read_bytes().decode() == as_gift(questions)
    written = quiz.bank(tmp_path / "bank.json", "output_shape", n=4, level=2, seed=5)
    document = json.loads((tmp_path / "bank.json").read_bytes())
    assert document["format"] == "minicnn question bank"
    assert document["version"] == 1
    assert document["questions"] == [q.to_dict() for q in written]
    assert {q["level"] for q in document["questions"]} == {2}
    assert len(quiz.bank(tmp_path / "all.txt", n=60)) == 60
    assert quiz.bank(tmp_path / "bank.gift", "shapes", n=7, overwrite=True) == questions
    apart = [{q.seed for q in different(("parameters",), 30, seed=seed)} for seed in (0, 1)]
    assert not apart[0] & apart[1]
    assert different(("parameters",), 3, student="Ada") != different(("parameters",), 3, student="Emmy")


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("bank.doc", {}, ArgumentError, r"^bank: a bank is written as \.gift \(Moodle\) or \.json, but the file is called 'bank\.doc'"),
        ("no/bank.gift", {}, FileFormatError, r"^bank: the folder .* does not exist"),
        ("there.gift", {}, ArgumentError, r"^bank: no file is replaced unasked, but .*there\.gift' is there"),
        ("bank.gift", {"topic": "frob"}, UnknownNameError, r"^bank: there is no topic or lesson 'frob'"),
        ("bank.gift", {"n": 0}, ArgumentError, r"^bank: n must be at least 1"),
        ("bank.gift", {"n": 100_001}, ArgumentError, r"^bank: at most 100,000 questions are drawn at once, but n is 100,001"),
        ("bank.gift", {"level": 9}, ArgumentError, r"has levels 1 to \d, but level is 9"),
        ("bank.gift", {"seed": -1}, ArgumentError, r"^bank: seed must be at least 0"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path, name, arguments, error, message):
    (tmp_path / "there.gift").write_text("kept")
    with pytest.raises(error, match=message):
        quiz.bank(tmp_path / name, **arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["there.gift"]
    assert (tmp_path / "there.gift").read_text() == "kept"


def test_more_questions_than_there_are(monkeypatch):
    from minicnn.quiz.catalogue import TOPICS, Topic

    def draw(rng, level):
        number = rng.randrange(3)
        return Question("", 0, f"{number}?", number, "9", ("…",))

    monkeypatch.setitem(TOPICS, "three", Topic("three", "three", "02", 1, draw))
    assert {q.answer for q in different(("three",), 3)} == {0, 1, 2}
    with pytest.raises(
        ArgumentError, match=r"^bank: 4 different questions are asked for, but three has no more than about 3 at level 1; ask"
    ):
        different(("three",), 4)
