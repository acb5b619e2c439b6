"""The parts that are compiled; all else about the package is in pyproject.toml."""

from setuptools import Extension, setup

#: Each is named after the module that it speeds up.
KERNELS = [
    "qtsearch._scoring",
    "qtsearch.codec._keyterms",
    "qtsearch.codec._merging",
    "qtsearch.search._searcher",
]

kernels = [
    Extension(
        name,
        [f"{name.replace('.', '/')}.c"],
        depends=["qtsearch/codec/_arrays.h"],
        # Vector instructions of loops; of a product and a sum no one rounded once, as NumPy has none.
        extra_compile_args=["-O3", "-ffp-contract=off"],
        py_limited_api=True,
        optional=True,  # where there is no compiler, NumPy does the same, slower
    )
    for name in KERNELS
]

# One wheel a platform is for this and all later versions of Python.
setup(ext_modules=kernels, options={"bdist_wheel": {"py_limited_api": "cp311"}})
