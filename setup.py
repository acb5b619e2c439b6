"""The part that is compiled; all else about the package is in pyproject.toml."""

from setuptools import Extension, setup

kernel = Extension(
    "qtsearch.search._kernel",
    ["qtsearch/search/_kernel.c"],
    extra_compile_args=["-O3"],  # makes vector instructions of loops
    py_limited_api=True,
    optional=True,  # where there is no compiler, NumPy does the same, slower
)

# One wheel a platform is for this and all later versions of Python.
setup(ext_modules=[kernel], options={"bdist_wheel": {"py_limited_api": "cp311"}})
