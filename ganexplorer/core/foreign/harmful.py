"""Which names a pickle may mention, and what is said of those that could do harm."""

from __future__ import annotations

import _compat_pickle

from ganexplorer.core.foreign.claims import Global, Harmful

_MAX_SHOWN = 80  # characters of a name in a message


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


_PLAIN_TYPES = words("""
    bool int float complex str bytes bytearray list tuple dict set frozenset slice range object type
    NoneType Ellipsis NotImplemented
""")

# Modules that no model needs. Calls are refused wherever they lead; these must not even be mentioned.
_HARMFUL_MODULES = words("""
    os posix nt subprocess sys importlib imp runpy shutil socket pty ctypes _ctypes pickle _pickle dill cloudpickle
    marshal shelve code codeop types functools _functools operator _operator webbrowser multiprocessing
    threading _thread asyncio signal pdb bdb timeit cProfile urllib http requests ftplib smtplib ssl
    xmlrpc pip pydoc gc inspect atexit tempfile io _io zipimport pkgutil linecache site builtins
""")
_HARMFUL_PATHS = words("""
    torch.hub torch.jit torch.load torch.save torch.serialization.load torch.serialization.save torch.package
    torch.compile torch.utils.cpp_extension torch.utils.model_zoo torch._dynamo torch._inductor torch.ops torch.classes
    torch.library torch.fx torch.distributed.rpc torch.multiprocessing numpy.load numpy.testing numpy.f2py
""")
_HARMLESS_PATHS = words("types.SimpleNamespace types.NoneType functools.partial")


def _is_harmful(found: Global) -> bool:
    if found.module == "builtins":
        return found.name not in _PLAIN_TYPES and found.name != "getattr"  # which `calls` looks after
    path = found.path
    if path in _HARMLESS_PATHS:
        return False
    if path.split(".")[0] in _HARMFUL_MODULES or any(
        f"{path}.".startswith(f"{harmful}.") for harmful in _HARMFUL_PATHS
    ):
        return True
    # a way round: the name "os.system" in the module "torch" reaches a module through the attributes of another
    return "." in found.name and any(
        part in _HARMFUL_MODULES or part.startswith("__") for part in found.name.split(".")
    )


def shown(path: str) -> str:
    """A name from a file, fit for a message: one line, not long, the name that people know beside it."""
    text = "".join(character if character.isprintable() else "?" for character in path)
    if len(text) > _MAX_SHOWN:
        text = f"{text[:_MAX_SHOWN]}…"
    module, _, name = text.partition(".")
    return f"{text} (os.{name})" if module in ("posix", "nt") else text


def named(module: str, name: str) -> Global:
    """What a pickle names so; raises `Harmful`."""
    # Python 2 had other names for some; a loader of Python 3 takes them for these
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
    found = Global(_compat_pickle.IMPORT_MAPPING.get(module, module), name)
    if _is_harmful(found):
        raise harm(found)
    return found


def harm(found: Global) -> Harmful:
    """What to raise for a name that is harmful."""
    return Harmful(
        f"refers to {shown(found.path)}, which has no place in a model and could run any program "
        "when the file is loaded elsewhere",
        "Do not load it; ask its author for the weights as .safetensors.",
    )
