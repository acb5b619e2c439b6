/* The impacts of postings, as scoring.py computes them with NumPy, in one pass.

   The same operations in the same order, so that every impact is the same: no fused multiply-add (setup.py).
   Whatever stands in an array, nothing is read or written but what was handed over. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000 /* 3.11, the first with buffers */
#include <Python.h>
#include <math.h>
#include <stdint.h>

#define FIELDS 3
#define MAX_IMPACT 65535.0 /* with the next as in scoring.py */
#define LEAST 1e-300
#define ARRAYS 8

/* Of each posting its article, its frequency in each field, idf (or one for all), and whether its term alone is
   a keyword; of each field and article what one occurrence counts and the norm of the share; of each field its
   share and whether it counts at all. */
typedef struct {
    Py_buffer docs, frequencies, idf, alone, gain, norms, fields, out;
    double k1, share_k1, keyword_share;
    Py_ssize_t n, n_docs;
    int all_count; /* all fields do */
} Postings;

typedef struct {
    double share;
    double counts;
} Field;

static uint64_t
number_at(const Py_buffer *numbers, Py_ssize_t place)
{
    switch (numbers->itemsize) {
    case 2:
        return ((const uint16_t *)numbers->buf)[place];
    case 4:
        return ((const uint32_t *)numbers->buf)[place];
    default:
        return ((const uint64_t *)numbers->buf)[place];
    }
}

static uint16_t
impact(const Postings *all, Py_ssize_t place, Py_ssize_t doc)
{
    const uint16_t *frequencies = (const uint16_t *)all->frequencies.buf + place * FIELDS;
    const double *gain = (const double *)all->gain.buf + doc, *norms = (const double *)all->norms.buf + doc;
    const Field *fields = all->fields.buf;
    double combined = 0.0, shares[FIELDS];
    int counts = all->all_count;
    for (Py_ssize_t field = 0; field < FIELDS; field++) {
        shares[field] = 0.0;
        double tf = frequencies[field];
        if (tf > 0.0) {
            combined += tf * gain[field * all->n_docs];
            counts |= fields[field].counts > 0.0;
            if (fields[field].share != 0.0)
                shares[field] = fields[field].share *
                                (tf * (all->share_k1 + 1.0) / (tf + norms[field * all->n_docs]));
        }
    }
    if (!counts)
        return 0;
    double below = combined + all->k1;
    double score = combined * (all->k1 + 1.0) / (below > LEAST ? below : LEAST);
    for (Py_ssize_t field = 0; field < FIELDS; field++)
        score += shares[field];
    if (((const char *)all->alone.buf)[place])
        score += all->keyword_share;
    score = rint(score * ((const double *)all->idf.buf)[all->idf.len > (Py_ssize_t)sizeof(double) ? place : 0]);
    return (uint16_t)(score < 1.0 ? 1.0 : score > MAX_IMPACT ? MAX_IMPACT : score);
}

/* -1 for an article that there is not. */
static int
compute(const Postings *all)
{
    uint16_t *out = all->out.buf;
    for (Py_ssize_t i = 0; i < all->n; i++) {
        uint64_t doc = number_at(&all->docs, i);
        if (doc >= (uint64_t)all->n_docs)
            return -1;
        out[i] = impact(all, i, (Py_ssize_t)doc);
    }
    return 0;
}

/* Whether all arrays are as long as the others ask for; finds out how long that is. */
static int
is_sound(Postings *all)
{
    Py_ssize_t size = (Py_ssize_t)sizeof(double);
    all->n = all->out.len / 2;
    if (all->fields.len != FIELDS * (Py_ssize_t)sizeof(Field))
        return 0;
    all->n_docs = all->gain.len / size / FIELDS;
    all->all_count = 1;
    for (Py_ssize_t field = 0; field < FIELDS; field++)
        all->all_count &= ((const Field *)all->fields.buf)[field].counts > 0.0;
    Py_ssize_t width = all->docs.itemsize;
    return (width == 2 || width == 4 || width == 8) && all->docs.len / width == all->n &&
           all->out.itemsize == 2 && all->frequencies.itemsize == 2 && all->gain.itemsize == size &&
           all->norms.itemsize == size && all->idf.itemsize == size && all->fields.itemsize == size &&
           all->frequencies.len / 2 == all->n * FIELDS && all->alone.len == all->n &&
           (all->idf.len == size || all->idf.len / size == all->n) &&
           all->norms.len == all->gain.len && all->gain.len == all->n_docs * FIELDS * size;
}

static PyObject *
impacts(PyObject *module, PyObject *args)
{
    Postings all = {0};
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*w*ddd", &all.docs, &all.frequencies, &all.idf, &all.alone, &all.gain,
                          &all.norms, &all.fields, &all.out, &all.k1, &all.share_k1, &all.keyword_share))
        return NULL;
    int done = -1;
    if (!is_sound(&all))
        PyErr_SetString(PyExc_ValueError, "arrays of other types or lengths are needed");
    else {
        Py_BEGIN_ALLOW_THREADS
        done = compute(&all);
        Py_END_ALLOW_THREADS
        if (done < 0)
            PyErr_SetString(PyExc_IndexError, "a posting is of an article that there is not");
    }
    Py_buffer *arrays = &all.docs;
    for (int array = 0; array < ARRAYS; array++)
        PyBuffer_Release(&arrays[array]);
    if (done < 0)
        return NULL;
    Py_INCREF(Py_None);
    return Py_None;
}

static PyMethodDef methods[] = {
    {"impacts", impacts, METH_VARARGS, "The impacts of postings: see _scoring.pyi."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_scoring", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__scoring(void)
{
    return PyModuleDef_Init(&definition);
}
