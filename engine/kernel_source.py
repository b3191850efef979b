"""The source of kernels and device functions: read, checked, made precision-generic, and digested for the cache.

A body is compiled from its syntax tree, not from its code object. Every name that is not local is resolved once, so
that what a body depends on is known completely: other device functions, primitives, constants. Float literals and
float constants become names bound to the working real when the body is compiled for a precision.
"""

from __future__ import annotations

import ast
import builtins
import enum
import hashlib
import inspect
import linecache
import textwrap
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from sensorium.engine.device import REALS
from sensorium.engine.errors import ScenarioError
from sensorium.engine.primitives import Primitive

__all__ = ["ByPrecision", "KernelError", "ScalarFunction"]

MODULE = "sensorium.engine.kernel"  # the importable name that compiled bodies belong to, whatever file they came from


class KernelError(ScenarioError):
    """A kernel or device function that cannot be compiled as written."""


class ScalarFunction:
    """A Python function of scalars and arrays that can be compiled for every target and precision.

    Parameters
    ----------
    function
        A plain function without closure, defaults or variable arguments.

    Raises
    ------
    KernelError
        If the function closes over variables, has an unsupported signature, or its source cannot be read.
    """

    word = "device function"

    def __init__(self, function: Callable[..., Any]) -> None:
        if not isinstance(function, FunctionType):
            raise KernelError(f"@{self.word.split()[0]} takes a plain function, not {function!r}")
        self.function = function
        self.__name__, self.__qualname__ = function.__name__, function.__qualname__
        self.__module__, self.__doc__ = function.__module__, function.__doc__
        self.where = f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}"
        self.title = f"{self.word} '{self.__name__}' ({self.where})"
        if function.__closure__:
            names = ", ".join(function.__code__.co_freevars)
            raise KernelError(f"{self.title} closes over {names}; pass as arguments, or move to the module's top level")
        kinds = {p.kind for p in inspect.signature(function).parameters.values()}
        if kinds - {inspect.Parameter.POSITIONAL_OR_KEYWORD} or function.__defaults__:
            raise KernelError(f"{self.title} must take plain positional arguments without defaults")
        self.parameters = tuple(inspect.signature(function).parameters)
        # the lines as they are now: an edit of the file during the run must not pair new text with the old function
        self._lines = linecache.getlines(function.__code__.co_filename, function.__globals__)
        self._parsed: _Body | None = None
        self._digest: str | None = None
        self._bound: dict[tuple[str, str], Any] = {}

    def __repr__(self) -> str:
        return f"<{self.title}>"

    @property
    def body(self) -> _Body:
        """The resolved body; parsed when first needed, since a body may name what is defined below it."""
        if self._parsed is None:
            self._parsed = _Body(self, self._lines)
        return self._parsed

    @property
    def digest(self) -> str:
        """Hash of the body, of every constant and of everything that it reaches; the heart of the cache key."""
        if self._digest == "":
            raise KernelError(f"{self.title} reaches itself; kernels have no recursion")
        if self._digest is None:
            self._digest = ""
            parts = [self.body.text, *(f"{name} = {_token(value)}" for name, value in self.body.names.items())]
            self._digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return self._digest

    def bound(self, target: str, precision: str, wrap: Callable[[FunctionType], Any]) -> Any:
        """The function over names that mean this target and precision, passed through `wrap`; made once.

        Parameters
        ----------
        target
            ``"cpu"``, ``"cuda"`` or ``"cudasim"``.
        precision
            ``"double"`` or ``"single"``.
        wrap
            What turns the plain function into a callable of the target (for example ``numba.njit``).
        """
        key = (target, precision)
        if key not in self._bound:
            suffix = self.digest[:12]  # keeps apart two bodies of one name whose compiled code meets in one process
            names = {k: self._value(v, target, precision, wrap) for k, v in self.body.names.items()}
            namespace = {"__name__": MODULE, "__builtins__": builtins, **names}
            function = FunctionType(self.body.code, namespace, self.__name__)
            function.__qualname__ = f"{self.__name__}_{suffix}"
            self._bound[key] = wrap(function)
        return self._bound[key]

    def compiled(self, target: str, precision: str) -> Any:
        """What :meth:`bound` made before for this target and precision, or None."""
        return self._bound.get((target, precision))

    @staticmethod
    def _value(value: Any, target: str, precision: str, wrap: Callable[[FunctionType], Any]) -> Any:
        if isinstance(value, ByPrecision):
            value = value.single if precision == "single" else value.double
        if isinstance(value, ScalarFunction):
            return value.bound(target, precision, wrap)
        if isinstance(value, Primitive):
            return value.on(target, precision)
        return working(value, precision)


class ByPrecision:
    """One name for two device functions, of which a body gets the one of its precision.

    Parameters
    ----------
    single, double
        Device functions of the same parameters; `double` gives the name and the documentation.
    """

    def __init__(self, single: ScalarFunction, double: ScalarFunction) -> None:
        self.single, self.double = single, double
        self.__name__, self.__doc__ = double.__name__.removesuffix("_double").lstrip("_"), double.__doc__
        self.__module__ = double.__module__

    def __call__(self, *arguments: Any) -> Any:
        return self.double(*arguments)  # type: ignore[operator]

    def __repr__(self) -> str:
        return f"<device function '{self.__name__}'>"


class _Body:
    """Syntax tree of one function with every outside name resolved."""

    def __init__(self, owner: ScalarFunction, lines: list[str]) -> None:
        self.tree = _function_tree(owner, lines)
        resolver = _Resolver(owner)
        self.tree.body = [resolver.visit(statement) for statement in self.tree.body]
        self.names: Mapping[str, Any] = dict(sorted(resolver.names.items()))
        module = ast.fix_missing_locations(ast.Module([self.tree], []))
        self.text = ast.unparse(module)
        namespace: dict[str, Any] = {}
        exec(compile(module, owner.function.__code__.co_filename, "exec"), namespace)
        self.code = namespace[owner.__name__].__code__


def _function_tree(owner: ScalarFunction, lines: list[str]) -> ast.FunctionDef:
    """Tree of the function alone: no decorators, annotations or docstring; line numbers those of its file."""
    first = owner.function.__code__.co_firstlineno
    try:
        block = inspect.getblock(lines[first - 1 :])
        tree = ast.parse(textwrap.dedent("".join(block))).body[0]
    except (IndexError, SyntaxError, OSError):
        tree = None
    if not isinstance(tree, ast.FunctionDef) or tree.name != owner.__name__:
        raise KernelError(f"the source of {owner.title} cannot be read; a kernel must be defined in a file")
    ast.increment_lineno(tree, first - 1)
    tree.decorator_list, tree.returns = [], None
    for argument in tree.args.args:
        argument.annotation = None
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:] or [ast.Pass()]
    return tree


REFUSED = {
    ast.Lambda: "defines a function", ast.FunctionDef: "defines a function", ast.ClassDef: "defines a class",
    ast.ListComp: "makes a list", ast.SetComp: "makes a set", ast.DictComp: "makes a dict",
    ast.GeneratorExp: "makes a generator", ast.Dict: "makes a dict", ast.Set: "makes a set", ast.List: "makes a list",
    ast.Try: "handles exceptions", ast.Raise: "raises an exception", ast.Assert: "asserts", ast.With: "uses 'with'",
    ast.Global: "assigns a global", ast.Import: "imports", ast.ImportFrom: "imports", ast.Yield: "yields",
    ast.JoinedStr: "formats a string",
}  # fmt: skip


class _Resolver(ast.NodeTransformer):
    """Replaces float literals and dotted names by plain names, and records what each outside name stands for."""

    def __init__(self, owner: ScalarFunction) -> None:
        code = owner.function.__code__
        self.owner = owner
        self.local = set(code.co_varnames) | set(code.co_cellvars)
        self.names: dict[str, Any] = {}

    def visit(self, node: ast.AST) -> Any:
        """The node with its names resolved; what no target compiles is refused here, by line."""
        for kind, action in REFUSED.items():
            if isinstance(node, kind):
                raise self._error(node, f"{action}; a body is scalar arithmetic, branches and loops")
        return super().visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) is not float:
            return node
        name = f"_real_{node.value!r}".replace(".", "p").replace("-", "m").replace("+", "")
        self.names[name] = node.value
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return self.visit(ast.copy_location(ast.Assign([node.target], node.value), node))  # type: ignore[no-any-return]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id not in self.local:
            self.names[node.id] = self._checked(node, node.id, self._global(node))
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        path: list[str] = []
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            path.insert(0, root.attr)
            root = root.value
        if not isinstance(root, ast.Name) or root.id in self.local:
            return self.generic_visit(node)
        value = self._global(root)
        if not isinstance(value, ModuleType) and not (isinstance(value, type) and issubclass(value, enum.Enum)):
            return self.generic_visit(node)
        dotted = ".".join([root.id, *path])
        for attribute in path:
            if not hasattr(value, attribute):
                raise self._error(node, f"uses '{dotted}', which does not exist")
            value = getattr(value, attribute)
        name = dotted.replace(".", "__")
        self.names[name] = self._checked(node, dotted, value)
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def _global(self, node: ast.Name) -> Any:
        for scope in (self.owner.function.__globals__, vars(builtins)):
            if node.id in scope:
                return scope[node.id]
        raise self._error(node, f"uses '{node.id}', which is not defined")

    def _checked(self, node: ast.expr, name: str, value: Any) -> Any:
        """`value` as a body may use it, or a KernelError that says what to do instead."""
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, (ScalarFunction, ByPrecision, Primitive)):
            return value
        if isinstance(value, FunctionType) or hasattr(value, "py_func"):
            if getattr(value, "__module__", "").partition(".")[0] == "numpy":
                return value
            raise self._error(node, f"calls '{name}', which is not compiled with it; decorate it with @device")
        allowed = (bool, int, float, np.generic, np.ndarray, tuple, type(None), str, BuiltinFunctionType, np.ufunc)
        if isinstance(value, allowed) or (isinstance(value, type) and value.__module__ in ("builtins", "numpy")):
            return value
        if isinstance(value, list):
            return tuple(value)
        if callable(value) and getattr(value, "__module__", "") == "numpy":
            return value
        raise self._error(
            node,
            f"uses '{name}', a {type(value).__name__}; only numbers, tuples, arrays and @device "
            "functions can be used from outside: pass it as an argument",
        )

    def _error(self, node: Any, message: str) -> KernelError:
        return KernelError(
            f"{self.owner.word} '{self.owner.__name__}' ({self.owner.function.__code__.co_filename}:"
            f"{node.lineno}) {message}"
        )


def working(value: Any, precision: str) -> Any:
    """A constant in the working precision: floats (also in tuples and arrays) become the working real."""
    real = REALS[precision]
    if isinstance(value, tuple):
        return tuple(working(item, precision) for item in value)
    if value is float:
        return real.type
    if isinstance(value, (float, np.float64)):
        return real.type(value)
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype(real)
    return value


def _token(value: Any) -> str:
    """What of an outside value decides the compiled code."""
    if isinstance(value, ByPrecision):
        return f"{value.single.digest} {value.double.digest}"
    if isinstance(value, ScalarFunction):
        return value.digest
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, (Primitive, type)) or callable(value):
        return f"{type(value).__name__} {getattr(value, '__module__', '')}.{value.__name__}"
    return f"{type(value).__name__} {value!r}"
