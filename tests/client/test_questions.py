"""What a person is asked, and asked again."""

from zchat.client.commands.questions import NEW_PASSWORD, Question, Questions


def answered(asked: Questions, *answers: str) -> list[str]:
    for answer in answers:
        asked.answer(answer)
    return asked.answers


def test_a_short_password_is_refused_at_once() -> None:
    asked = Questions(NEW_PASSWORD)
    assert answered(asked, "short") == []
    assert "8 to 256" in asked.complaint
    assert asked.next == NEW_PASSWORD[0]


def test_passwords_that_differ_are_asked_for_both_once_more() -> None:
    asked = Questions((Question("Old: "), *NEW_PASSWORD))
    assert answered(asked, "old", "correct horse", "correct house") == ["old"]
    assert "differ" in asked.complaint
    assert answered(asked, "correct horse", "correct horse")[1:] == ["correct horse"] * 2
    assert asked.next is None
    assert not asked.complaint


def test_nothing_is_no_answer_and_leaves_no_question() -> None:
    asked = Questions((Question("Code: "),))
    assert answered(asked, "") == []
    assert asked.complaint
    assert answered(asked, "123456") == ["123456"]
