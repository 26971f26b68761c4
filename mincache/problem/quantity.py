"""What a number or an array of numbers means: symbol, unit, shape and range, on the field itself.

Validation, the JSON Schema and the documentation's table of symbols all read that annotation.
"""

import dataclasses
import itertools
import sys
from collections.abc import Hashable, Iterator, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any, ClassVar, Self, cast, get_type_hints

import numpy as np
from numpy.typing import NDArray

from mincache.errors import InputError, excerpt

Array = NDArray[Any]
_NUMBER_TYPES = frozenset({int, float})
_LARGEST = sys.float_info.max
_LARGEST_WHOLE = 2**53


@dataclasses.dataclass(frozen=True)
class Quantity:
    """The meaning of one field: symbol, unit (SI, "GB", or "1") and range; `above` is exclusive.

    Attributes:
        shape: a letter for each axis, "" for a scalar: T slots, N users, M models.
        whole: whether the values are whole numbers (stored as int64, else float64).
        default: what a document means that leaves the field out, and fills an array with; never written.
        priced: whether costs or limits depend on it; an optional field that prices nothing is no rule.
    """

    symbol: str
    unit: str
    about: str
    shape: str = ""
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    whole: bool = False
    default: float | None = None
    priced: bool = True

    def read(self, value: object, field: str) -> float | Array:
        """Return `value` as a number, or as a read-only array of this shape's rank."""
        if self.shape and type(value) in _NUMBER_TYPES and value == self.default:
            return cast(float, value)  # until `Typed.filled` knows how long the axes are
        array = self._as_array(value, field)
        if not self._allows(array):
            self._check_values(array, field)
        if not self.shape:
            return int(array) if self.whole else float(array)
        stored = array.astype(np.int64 if self.whole else np.float64, copy=True, order="C")
        stored.setflags(write=False)
        return stored

    def _as_array(self, value: object, field: str) -> Array:
        if (
            isinstance(value, np.ndarray)
            and value.ndim == len(self.shape)
            and value.size
            and value.dtype.kind in "fiub"
        ):
            return value
        wanted = "must be a number" if not self.shape else f"must be an array {self.brackets()} of numbers"
        if not isinstance(value, np.ndarray | np.generic):
            leaves: Any = [value]
            for _ in self.shape:
                odd = [row for row in leaves if not isinstance(row, list | tuple)]
                if odd:
                    raise InputError(field, wanted, _kind_of(odd[0]))
                leaves = list(itertools.chain.from_iterable(leaves))
            strange = set(map(type, leaves)) - _NUMBER_TYPES
            if strange and not all(issubclass(kind, np.number) for kind in strange):
                odd = [leaf for leaf in leaves if type(leaf) not in _NUMBER_TYPES]
                raise InputError(field, wanted, _kind_of(odd[0]))
        try:
            array = np.asarray(value, dtype=None if isinstance(value, np.ndarray) else np.float64)
        except (ValueError, TypeError):
            raise InputError(field, wanted, "rows of different lengths") from None
        except OverflowError:
            raise InputError(field, "must hold finite numbers only", "an integer too large") from None
        if array.dtype.kind not in "fiub":
            raise InputError(field, wanted, f"an array of {array.dtype}")
        if array.size == 0:
            raise InputError(field, "must not be empty", f"shape {list(array.shape)}")
        if array.ndim != len(self.shape):
            raise InputError(field, wanted, f"{array.ndim} axes")
        return array

    def _allows(self, array: Array) -> bool:
        """Return whether the values are in range, by a look at the extremes; a nan is one of them."""
        if array.dtype == np.bool_:
            least, most = False, True
        else:
            least, most = np.minimum.reduce(array, axis=None), np.maximum.reduce(array, axis=None)
        low = -_LARGEST if self.at_least is None else self.at_least
        high = _LARGEST if self.at_most is None else self.at_most
        if not (low <= least and most <= high and (self.above is None or self.above < least)):
            return False
        if not self.whole or array.dtype == np.bool_:
            return True
        return bool(least >= -_LARGEST_WHOLE and most <= _LARGEST_WHOLE and (array == np.floor(array)).all())

    def _check_values(self, array: Array, field: str) -> None:
        for bad, rule in self._broken(array):
            if bad.any():
                index = tuple(int(i) for i in np.argwhere(bad)[0])
                where = "".join(f"[{i}]" for i in index)
                raise InputError(field + where, f"must be {rule}", repr(array[index].item()))

    def _broken(self, array: Array) -> Iterator[tuple[Array, str]]:
        yield ~np.isfinite(array), "finite"
        if self.above is not None:
            yield array <= self.above, f"> {self.above:g}"
        if self.at_least is not None:
            yield array < self.at_least, f">= {self.at_least:g}"
        if self.at_most is not None:
            yield array > self.at_most, f"<= {self.at_most:g}"
        if self.whole:
            yield array != np.floor(array), "a whole number"
            yield np.abs(array) > _LARGEST_WHOLE, f"<= {_LARGEST_WHOLE}"  # int64 would wrap around

    def brackets(self) -> str:
        """Return the shape as documents show it, such as `[T][N]`."""
        return "".join(f"[{axis}]" for axis in self.shape)

    def range_text(self) -> str:
        """Return the allowed values in words, such as `> 0`."""
        limits = {">": self.above, ">=": self.at_least, "<=": self.at_most}
        words = [f"{sign} {limit:g}" for sign, limit in limits.items() if limit is not None]
        return ", ".join(words + ["whole"] * self.whole)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a document's field with this meaning."""
        schema: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        limits = {"exclusiveMinimum": self.above, "minimum": self.at_least, "maximum": self.at_most}
        schema |= {key: limit for key, limit in limits.items() if limit is not None}
        for _ in self.shape:
            schema = {"type": "array", "items": schema, "minItems": 1}
        notes = {"description": self.about, "symbol": self.symbol, "unit": self.unit}
        if self.shape:
            notes["shape"] = self.brackets()
        if self.default is not None:
            schema["default"] = self.default
        return schema | notes


positive = partial(Quantity, above=0)
"""A quantity that is above 0."""
not_negative = partial(Quantity, at_least=0)
"""A quantity from 0 on."""


def quantities(kind: type) -> dict[str, Quantity]:
    """Return the quantities of a dataclass by field name, in order."""
    return _quantities(cast(Hashable, kind))


@cache
def _quantities(kind: Any) -> dict[str, Quantity]:
    hints = get_type_hints(kind, include_extras=True)
    notes = {name: getattr(hint, "__metadata__", (None,))[0] for name, hint in hints.items()}
    return {name: note for name, note in notes.items() if isinstance(note, Quantity)}


@cache
def _with_slots(kind: Any) -> tuple[str, ...]:
    return tuple(name for name, meaning in quantities(kind).items() if meaning.shape.startswith("T"))


class Typed:
    """Base of the frozen dataclasses whose numeric fields are quantities, read when one is made."""

    section: ClassVar[str] = ""
    """What stands before a field's name in messages, such as `trace.`."""

    def __init_subclass__(cls, section: str = "", **others: Any) -> None:
        super().__init_subclass__(**others)
        cls.section = section or cls.section

    def __post_init__(self) -> None:
        for name, meaning in quantities(type(self)).items():
            value = meaning.read(getattr(self, name), self.section + name)
            object.__setattr__(self, name, value)  # the dataclass is frozen for everybody else

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the optional quantities that are not at their default."""
        defaults = ((name, meaning.default) for name, meaning in quantities(type(self)).items())
        return tuple(
            name
            for name, default in defaults
            if default is not None and np.any(getattr(self, name) != default)
        )

    def filled(self, lengths: Mapping[str, int]) -> Self:
        """Return this with the optional arrays that were left out, now that the axes' lengths are known."""
        left_out = {
            name: np.full([lengths[axis] for axis in meaning.shape], meaning.default)
            for name, meaning in quantities(type(self)).items()
            if meaning.shape and np.ndim(getattr(self, name)) == 0
        }
        return dataclasses.replace(self, **left_out) if left_out else self  # type: ignore[type-var]

    def between(self, first: int, stop: int) -> Self:
        """Return this with the slots from `first` up to `stop` alone, in every quantity that has slots."""
        # Slots are the first axis of whatever has them; an optional quantity may be left out.
        found = {name: getattr(self, name) for name in _with_slots(cast(Hashable, type(self)))}
        cut = {name: value[first:stop] for name, value in found.items() if isinstance(value, np.ndarray)}
        return self._with_checked(**cut) if cut else self

    def pieces(self, length: int) -> list[Self]:
        """Return this in pieces of `length` slots, which divides their number; none if nothing has slots."""
        found = {name: getattr(self, name) for name in _with_slots(cast(Hashable, type(self)))}
        names = [name for name, value in found.items() if isinstance(value, np.ndarray)]
        rows = (found[name].reshape(-1, length, *found[name].shape[1:]) for name in names)
        return [self._with_checked(**dict(zip(names, cut, strict=True))) for cut in zip(*rows, strict=True)]

    def _with_checked(self, **values: Any) -> Self:
        """Return this with other values of fields, which come from what was checked already."""
        changed = object.__new__(type(self))
        changed.__dict__.update(self.__dict__, **values)
        changed.__dict__.pop("_hash", None)
        return changed

    def __repr__(self) -> str:
        values = {name: getattr(self, name) for name in quantities(type(self))}
        shown = (f"{n}={list(v.shape) if isinstance(v, np.ndarray) else f'{v:g}'}" for n, v in values.items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in _fields(self))
        return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b) for a, b in pairs)

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        # A copy is made as the original was: checked, and with read-only arrays.
        values = (getattr(self, f.name) for f in _fields(self))
        return type(self), tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)

    def __hash__(self) -> int:
        # Scalars alone: cheap, and equal objects agree on them. What changes them makes another object.
        if (known := self.__dict__.get("_hash")) is None:
            values = (getattr(self, f.name) for f in _fields(self))
            known = hash((type(self), *(value for value in values if isinstance(value, float | str))))
            self.__dict__["_hash"] = known
        return int(known)


def check_axes(parts: list[Typed], known: dict[str, int]) -> dict[str, int]:
    """Return the length of each named axis over `parts`, beginning with the `known` ones."""
    lengths = dict(known)
    for part in parts:
        for name, meaning in quantities(type(part)).items():
            # An optional array that was left out has no axes.
            received = getattr(getattr(part, name), "shape", ())
            for axis, length in zip(meaning.shape, received, strict=False):
                if lengths.setdefault(axis, length) != length:
                    wanted = [lengths.get(a, own) for a, own in zip(meaning.shape, received, strict=True)]
                    rule = f"must have shape {meaning.brackets()} = {wanted}"
                    raise InputError(part.section + name, rule, str(list(received)))
    return lengths


def _fields(thing: Typed) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(thing)  # type: ignore[arg-type]  # every Typed is a dataclass


def _kind_of(value: object) -> str:
    return {list: "an array", dict: "an object", type(None): "null"}.get(type(value)) or excerpt(value)
