"""Nothing is used before the lesson that introduces it: terms and public names, in lessons, quiz topics and assignments.

lessons/concepts.toml says what each lesson introduces.  An assignment or a topic may introduce words of its own, which its text then explains.
"""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import minicnn
from minicnn import quiz
from minicnn.grade import all_of_them

FOLDER = Path(__file__).parents[2] / "lessons"
LESSONS = {path.name[:2]: path for path in sorted(FOLDER.glob("[0-9][0-9]_*.py"))}
CONCEPTS = tomllib.loads((FOLDER / "concepts.toml").read_text(encoding="utf-8"))
POINTER = re.compile(r"\b(?:lesson|assignment|quiz) ", re.IGNORECASE)  # a sentence that points ahead may name what lies there
SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n\s*\n|\n(?=[|#>-])")


def introduced(kind: str, upto: str, own: str = "") -> dict[str, str]:
    """Return {word: lesson} of what the lessons up to one introduce, and `own` of its own."""
    found = {word: number for number in sorted(LESSONS) if number <= upto for word in CONCEPTS[number]["introduces"][kind]}
    return found | dict.fromkeys(CONCEPTS.get(own, {}).get("introduces", {}).get(kind, []), own)


def ahead(kind: str, upto: str, own: str = "") -> dict[str, str]:
    """Return {word: lesson} of what only later lessons introduce."""
    known = introduced(kind, upto, own)
    return {
        word: number for number in sorted(LESSONS) if number > upto for word in CONCEPTS[number]["introduces"][kind] if word not in known
    }


def words_too_early(text: str, upto: str, own: str = "") -> list[str]:
    """Return the terms in a text that a later lesson introduces; longer terms that are known hide shorter ones inside them.

    A sentence that names a lesson points ahead, and may say what is there.
    """
    text = " ".join(sentence for sentence in SENTENCE.split(text) if not POINTER.search(sentence))
    for known in sorted(introduced("terms", upto, own), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(known)}(?:e?s)?(?!\w)", " ", text, flags=re.IGNORECASE)
    later = ahead("terms", upto, own)
    return [
        f"{word} (lesson {number})"
        for word, number in later.items()
        if re.search(rf"(?<!\w){re.escape(word)}(?:e?s)?(?!\w)", text, re.IGNORECASE)
    ]


def names_in(source: str) -> set[str]:
    """Return the public names of minicnn that Python code uses, as they are written after `from minicnn import …`: conv2d, nn.Conv2d."""
    tree = ast.parse(source)
    doors = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "minicnn":
            doors |= {alias.asname or alias.name for alias in node.names}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in doors and not is_room(node.id)}
    return used | {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in doors and is_room(node.value.id)
    }


def is_room(name: str) -> bool:
    return name in minicnn._ROOMS


def prose_of(path: Path) -> str:
    """Return what a lesson says: the text of its strings."""
    strings = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n\n".join(text for text in strings if " " in text)


def test_there_are_eight_lessons_and_each_introduces_something():
    assert sorted(LESSONS) == [f"0{number}" for number in range(1, 9)]
    every = [word for number in LESSONS for kind in ("terms", "names") for word in CONCEPTS[number]["introduces"][kind]]
    assert len(every) == len(set(every)), "introduced twice"
    assert all(CONCEPTS[number]["introduces"]["terms"] for number in LESSONS)


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_says_no_word_that_a_later_one_introduces(number):
    assert words_too_early(prose_of(LESSONS[number]), number) == []


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_uses_no_name_that_a_later_one_introduces(number):
    known = introduced("names", number)
    used = names_in(LESSONS[number].read_text(encoding="utf-8"))
    assert sorted(used - set(known)) == [], f"introduce them in [{number}] of concepts.toml, or use them later"


@pytest.mark.parametrize("number", LESSONS)
def test_what_a_lesson_introduces_is_in_it(number):
    text, names = prose_of(LESSONS[number]).lower(), names_in(LESSONS[number].read_text(encoding="utf-8"))
    missing = [term for term in CONCEPTS[number]["introduces"]["terms"] if term.lower() not in text]
    assert missing + sorted(set(CONCEPTS[number]["introduces"]["names"]) - names) == []


@pytest.mark.parametrize("topic", sorted(quiz.TOPICS))
def test_a_quiz_topic_says_no_word_that_a_later_lesson_introduces(topic):
    for level in (1, 2, 3):
        for seed in range(5):
            question = quiz.question(topic, level=min(level, quiz.TOPICS[topic].levels), seed=seed)
            text = "\n".join([question.text, *question.derivation, *(wrong.says for wrong in question.wrong)])
            assert words_too_early(text, question.lesson, f"quiz {topic}") == []


@pytest.mark.parametrize("assignment", all_of_them(), ids=lambda each: each.number)
def test_an_assignment_says_no_word_that_a_later_lesson_introduces(assignment):
    for name in ("README.md", "starter.py"):
        text = (assignment.folder / name).read_text(encoding="utf-8")
        assert words_too_early(text, assignment.lesson[:2], f"assignment {assignment.number}") == []


def test_the_reader_of_words_finds_one_that_is_too_early():
    later = next(iter(ahead("terms", "01")))
    assert words_too_early(f"Now {later} comes.", "01") == [f"{later} (lesson {ahead('terms', '01')[later]})"]
    assert words_too_early(f"Now {later} comes.", "08") == []
    assert words_too_early(f"Lesson 07 is about {later}.", "01") == []


def test_the_reader_of_names_finds_doors_and_rooms():
    source = "from minicnn import conv2d, nn\nimport numpy as np\nnet = nn.Sequential(nn.ReLU())\ny = conv2d(np.ones(3), 1)\n"
    assert names_in(source) == {"conv2d", "nn.Sequential", "nn.ReLU"}
