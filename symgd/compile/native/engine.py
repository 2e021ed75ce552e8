"""LLVM IR text to machine code in this process, by way of the cache on disk."""

from __future__ import annotations

import ctypes
import platform
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from symgd.compile.cache import user_cache
from symgd.compile.native.spread import NotNative

_FORMAT = "3"


@dataclass(frozen=True)
class Host:
    """This machine: its processor, the features of it, and how many doubles a vector holds."""

    triple: str
    cpu: str
    features: str
    lanes: int
    version: str


@dataclass(frozen=True)
class Loaded:
    """Machine code in memory. It lives as long as this object."""

    addresses: dict[str, int]
    cached: bool
    engine: Any = field(repr=False)
    payload: bytes = field(repr=False)


@cache
def host() -> Host:
    """The machine we run on. Raises :class:`NotNative` where kernels are not supported."""
    try:
        import llvmlite
        import llvmlite.binding as llvm
    except (ImportError, OSError):
        raise NotNative("llvmlite is not installed") from None
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        if not (features.get("fma") and features.get("avx2")):
            raise NotNative("the processor has no fused multiply-add")
        lanes = 8 if features.get("avx512f") and features.get("avx512dq") else 4
    elif machine in ("arm64", "aarch64"):
        lanes = 2
    else:
        raise NotNative(f"there are no kernels for {machine} processors")
    version = ".".join(map(str, llvm.llvm_version_info))
    return Host(
        triple=llvm.get_process_triple(),
        cpu=llvm.get_host_cpu_name(),
        features=features.flatten(),
        lanes=lanes,
        version=f"llvmlite {llvmlite.__version__}, LLVM {version}",
    )


def _machine(opt: int) -> Any:
    """A target machine; the engine that takes it owns it, so each gets its own."""
    import llvmlite.binding as llvm

    target = llvm.Target.from_triple(host().triple)
    return target.create_target_machine(
        cpu=host().cpu, features=host().features, opt=opt, jit=True, codemodel="jitdefault"
    )


@lru_cache(maxsize=64)
def load(text: str, names: tuple[str, ...], opt: int = 2) -> Loaded:
    """The functions ``names`` of the module ``text``, from the cache or compiled now.

    The last few modules stay in memory: the same program again costs nothing.
    """
    import llvmlite.binding as llvm

    machine = host()
    key = "\n".join([
        _FORMAT, machine.triple, machine.cpu, machine.features, machine.version, str(opt), text,
    ])  # fmt: skip
    store = user_cache()
    found = store.get(key)
    payload = found
    if payload is None:
        module = llvm.parse_assembly(text)
        module.triple = machine.triple
        module.verify()
        payload = _machine(opt).emit_object(module)
        store.put(key, payload)
    engine = llvm.create_mcjit_compiler(_empty(), _machine(opt))
    engine.add_object_file(llvm.ObjectFileRef.from_data(payload))
    engine.finalize_object()
    addresses = {name: engine.get_function_address(name) for name in names}
    return Loaded(addresses, found is not None, engine, payload)


def _empty() -> Any:
    import llvmlite.binding as llvm

    module = llvm.parse_assembly("")
    module.triple = host().triple
    return module


_LIBRARIES = (None, "libm.so.6", "libm.dylib", "ucrtbase")


@cache
def has_symbol(name: str) -> bool:
    """Whether the C library has the function; it is then known to the compiled code too."""
    import llvmlite.binding as llvm

    for library in _LIBRARIES:
        try:
            function = ctypes.CDLL(library)[name]
        except (OSError, AttributeError, TypeError):
            continue
        llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
        return True
    return False
