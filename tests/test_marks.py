"""Only what says of itself what it is bears a mark."""

import pytest

import oco
from oco import marks


class Unhashable:
    __hash__ = None

    def __eq__(self, other):
        return True


def test_a_mark_is_of_one_kind_and_returns_the_thing():
    for kind in marks.KINDS:
        thing = Unhashable()
        assert not any(marks.bears(any_kind, thing) for any_kind in marks.KINDS)
        assert getattr(marks, kind)(thing) is thing
        assert [other for other in marks.KINDS if marks.bears(other, thing)] == [kind]
        assert not marks.bears(kind, Unhashable()), "equal is not the same"


def test_subclasses_and_instances_inherit_it_and_classes_above_do_not():
    class Above:
        pass

    @marks.loss
    class Marked(Above):
        pass

    class Below(Marked):
        pass

    assert marks.bears("loss", Below) and marks.bears("loss", Below())
    assert not marks.bears("loss", Above) and not marks.bears("loss", Above())


def test_what_pretends_with_an_attribute_is_not_marked():
    class Pretender:
        __mro__ = (oco.losses.Loss,)

        def __getattr__(self, name):
            return True

    assert not any(marks.bears(kind, Pretender()) for kind in marks.KINDS)


@pytest.mark.parametrize(("kind", "decorator"), marks.KINDS.items())
def test_each_decorator_is_where_the_messages_say(kind, decorator):
    found = oco
    for part in decorator.removeprefix("@oco.").split("."):
        found = getattr(found, part)
    assert found is getattr(marks, kind)
