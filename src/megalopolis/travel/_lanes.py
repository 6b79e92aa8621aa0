"""Rows of 16-bit minutes as vectors, for compiled loops: numba has none of its own.

A vector is an ordinary value of a compiled function. LLVM spreads it over the registers that the processor has (four to
sixteen). Minutes count as unsigned: an infinite one is larger than any other.

numba compiles a function again when its own file changes, not when this one does.
"""

# mypy: disable-error-code="no-untyped-def, no-any-unimported, misc, no-untyped-call, type-arg"
# ruff: noqa: ANN001, ANN202, ARG001 - signatures are those that numba calls

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

LANES = 128
"""Minutes in a vector."""

_MINUTE, _INDEX = ir.IntType(16), ir.IntType(32)
_VECTOR = ir.VectorType(_MINUTE, LANES)


class _Lanes(types.Type):  # type: ignore[misc,unused-ignore]
    """numba's type of a vector."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{LANES}")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc,unused-ignore]
    def __init__(self, manager, of) -> None:
        super().__init__(manager, of, _VECTOR)


_LANES = _Lanes()


def _address(context, builder, signature, arguments):
    """Where an element of an array is, without a look at the sign of its index."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.bitcast(builder.gep(array.data, [arguments[1]]), _VECTOR.as_pointer())


@intrinsic
def load(typing, row, at):
    """Elements `at` and after of an array in one dimension."""

    def code(context, builder, signature, arguments):
        return builder.load(_address(context, builder, signature, arguments), align=2)

    return _LANES(row, types.intp), code


@intrinsic
def store(typing, row, at, lanes):
    """Write elements `at` and after of an array in one dimension."""

    def code(context, builder, signature, arguments):
        builder.store(arguments[2], _address(context, builder, signature, arguments), align=2)
        return context.get_dummy_value()

    return types.void(row, types.intp, _LANES), code


@intrinsic
def splat(typing, minute):
    """The same minute in all lanes."""

    def code(context, builder, signature, arguments):
        nothing, first = ir.Constant(_VECTOR, ir.Undefined), ir.Constant(_INDEX, 0)
        one = builder.insert_element(nothing, builder.trunc(arguments[0], _MINUTE), first)
        everywhere = ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
        return builder.shuffle_vector(one, nothing, everywhere)

    return _LANES(types.intp), code


def _of_two(name):
    """An operation of LLVM on two vectors."""

    def operation(typing, a, b):
        def code(context, builder, signature, arguments):
            kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR])
            return builder.call(builder.module.declare_intrinsic(f"llvm.{name}.v{LANES}i16", (), kind), arguments)

        return _LANES(_LANES, _LANES), code

    return intrinsic(operation)


lesser = _of_two("umin")
greater = _of_two("umax")
above = _of_two("usub.sat")  # by how much the first exceeds the second, 0 where it does not
plus = _of_two("uadd.sat")


@intrinsic
def minus(typing, a, b):
    """Difference of minutes of which the second is not larger."""

    def code(context, builder, signature, arguments):
        return builder.sub(*arguments)

    return _LANES(_LANES, _LANES), code


@intrinsic
def choose(typing, a, b, where, otherwise):
    """`where` in the lanes in which `a` is less than `b`."""

    def code(context, builder, signature, arguments):
        a, b, where, otherwise = arguments
        return builder.select(builder.icmp_unsigned("<", a, b), where, otherwise)

    return _LANES(_LANES, _LANES, _LANES, _LANES), code


@intrinsic
def largest(typing, lanes):
    """Largest minute of all lanes."""

    def code(context, builder, signature, arguments):
        kind = ir.FunctionType(_MINUTE, [_VECTOR])
        over = builder.module.declare_intrinsic(f"llvm.vector.reduce.umax.v{LANES}i16", (), kind)
        return builder.zext(builder.call(over, arguments), ir.IntType(64))

    return types.intp(_LANES), code
