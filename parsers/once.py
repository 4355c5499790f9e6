"""A value worked out when it is first asked for: functools.cached_property without the lock it takes before Python 3.12."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - used like property
    """The decorator of a method without arguments; the value lives in the instance's own dictionary."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.make = make
        self.name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, instance: object, owner: type) -> T:
        value = self.make(instance)
        instance.__dict__[self.name] = value  # from now on found before this
        return value
