"""The parts that are compiled; all else about the package is in pyproject.toml."""

from setuptools import Extension, setup

KERNELS = {
    "qtsearch._kernel": "qtsearch/_kernel.c",
    "qtsearch.codec._kernel": "qtsearch/codec/_kernel.c",
    "qtsearch.search._kernel": "qtsearch/search/_kernel.c",
}

kernels = [
    Extension(
        name,
        [source],
        # Vector instructions of loops; of a product and a sum no one rounded once, as NumPy has none.
        extra_compile_args=["-O3", "-ffp-contract=off"],
        py_limited_api=True,
        optional=True,  # where there is no compiler, NumPy does the same, slower
    )
    for name, source in KERNELS.items()
]

# One wheel a platform is for this and all later versions of Python.
setup(ext_modules=kernels, options={"bdist_wheel": {"py_limited_api": "cp311"}})
