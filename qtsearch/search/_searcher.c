/* The k best articles of a plan, as searcher.py finds them with NumPy, but in one call.

   There is a score for every article. Lists are added to the scores, an article at a time. Then rows, which
   have a number for every article, are added as far as they matter (MaxScore: Turtle and Flood, 1995): once
   those that are left cannot add as much as the k-th best has, only the articles that come near it are looked
   up in them. The best stand in a heap, the worst of them first; blocks of scores without a better one are
   passed over.

   Whatever stands in a list, nothing is read or written but what was handed over. Callers see to it that no
   sum is above INT32_MAX, or what 16 bits hold; one that is comes in the wrong place, and does no other harm. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000 /* 3.11, the first with buffers */
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_K 128       /* with this and the last two searcher.py does alike */
#define LARGE (1 << 18) /* as many numbers take long enough for other threads to go on meanwhile */
#define BLOCK 64        /* scores that are compared at once */
#define MIN_PUT_OFF 4   /* rows, that it is worth to leave the small ones for later */
#define PUT_OFF 16      /* these add at most so small a part of all */

typedef struct {
    long largest;
    long times;
    const uint16_t *added;
} Row;

typedef struct {
    uint32_t score;
    uint32_t doc;
} Hit;

typedef struct {
    Py_ssize_t start;
    Py_ssize_t stop;
} Range;

/* -- the best so far --------------------------------------------------------------------------------- */

typedef struct {
    Py_ssize_t k;
    Py_ssize_t n;
    Hit heap[MAX_K]; /* the worst first */
} Best;

static int
is_worse(Hit a, Hit b)
{
    return a.score != b.score ? a.score < b.score : a.doc > b.doc;
}

/* Put a hit in the place of the worst one. */
static void
sink(Best *best, Hit hit)
{
    Hit *heap = best->heap;
    Py_ssize_t place = 0, child;
    while ((child = 2 * place + 1) < best->n) {
        if (child + 1 < best->n && is_worse(heap[child + 1], heap[child]))
            child++;
        if (!is_worse(heap[child], hit))
            break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = hit;
}

static void
offer(Best *best, Hit hit)
{
    if (best->n == best->k) {
        if (is_worse(best->heap[0], hit))
            sink(best, hit);
        return;
    }
    Py_ssize_t place = best->n++;
    while (place > 0 && is_worse(hit, best->heap[(place - 1) / 2])) {
        best->heap[place] = best->heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    best->heap[place] = hit;
}

/* The score to be exceeded. Articles come ascending: later ones lose where scores are equal. */
static int32_t
bar(const Best *best)
{
    return best->n == best->k ? (int32_t)best->heap[0].score : 0;
}

/* -- scores ------------------------------------------------------------------------------------------ */

/* Scores are of 16 bits or of 32. What follows is compiled for each, `wide` being a constant. */
#ifdef _MSC_VER
#define INLINE static __forceinline
#else
#define INLINE static inline __attribute__((always_inline))
#endif

typedef struct {
    void *scores;
    const char *allowed; /* NULL for all */
    const Range *ranges;
    Py_ssize_t n_ranges;
} Scores;

INLINE uint32_t
score_at(const void *scores, Py_ssize_t doc, int wide)
{
    return wide ? ((const uint32_t *)scores)[doc] : ((const uint16_t *)scores)[doc];
}

/* Whether any of BLOCK scores is above a value; written so that compilers make vector instructions of it. */
INLINE int
any_above(const void *scores, Py_ssize_t doc, int32_t value, int wide)
{
    if (wide) {
        const uint32_t *first = (const uint32_t *)scores + doc;
        int32_t any = 0;
        for (int i = 0; i < BLOCK; i++)
            any |= -((int32_t)first[i] > value);
        return any;
    }
    const uint16_t *first = (const uint16_t *)scores + doc;
    uint16_t most = 0;
    for (int i = 0; i < BLOCK; i++)
        most = first[i] > most ? first[i] : most;
    return most > value;
}

/* Offer the articles above `least`, with what `rows`, in all at most `left`, add to them. */
INLINE void
collect(const Scores *all, int32_t least, const Row *rows, Py_ssize_t n_rows, long left, Best *best, int wide)
{
    best->n = 0;
    for (Py_ssize_t range = 0; range < all->n_ranges; range++) {
        Py_ssize_t doc = all->ranges[range].start, stop = all->ranges[range].stop;
        while (doc < stop) {
            Py_ssize_t end = doc + BLOCK < stop ? doc + BLOCK : stop;
            if (end - doc == BLOCK && !any_above(all->scores, doc, least, wide)) {
                doc = end;
                continue;
            }
            for (; doc < end; doc++) {
                uint32_t score = score_at(all->scores, doc, wide);
                if ((int32_t)score <= least || (all->allowed && !all->allowed[doc]))
                    continue;
                int64_t most = (int64_t)score + left;
                for (Py_ssize_t row = 0; row < n_rows && most > bar(best); row++) {
                    uint32_t added = rows[row].added[doc] * (uint32_t)rows[row].times;
                    score += added;
                    most -= rows[row].largest - (int64_t)added;
                }
                if (most <= bar(best))
                    continue;
                offer(best, (Hit){score, (uint32_t)doc});
                if (n_rows == 0) /* otherwise a score says less than the bar */
                    least = bar(best);
            }
        }
    }
}

#define ADD_ROW(Score)                              \
    for (Py_ssize_t doc = start; doc < stop; doc++) \
        ((Score *)all->scores)[doc] += (Score)(row.added[doc] * times);

INLINE void
add_row(const Scores *all, Row row, int wide)
{
    uint32_t times = (uint32_t)row.times;
    for (Py_ssize_t range = 0; range < all->n_ranges; range++) {
        Py_ssize_t start = all->ranges[range].start, stop = all->ranges[range].stop;
        if (wide)
            ADD_ROW(uint32_t)
        else
            ADD_ROW(uint16_t)
    }
}

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

/* The place of the first of ascending numbers that is not below `doc`. */
static Py_ssize_t
place_of(const Py_buffer *docs, Py_ssize_t n, Py_ssize_t doc)
{
    Py_ssize_t first = 0;
    while (n > 0) {
        Py_ssize_t half = n / 2;
        if (number_at(docs, first + half) < (uint64_t)doc) {
            first += half + 1;
            n -= half + 1;
        } else
            n = half;
    }
    return first;
}

#define ADD_LIST(Doc, Added, Score)                                      \
    for (Py_ssize_t i = first; i < last; i++) {                          \
        uint64_t doc = ((const Doc *)docs->buf)[i];                      \
        if (doc >= (uint64_t)high)                                       \
            return -1;                                                   \
        ((Score *)scores)[doc] += (Score)((const Added *)added->buf)[i]; \
    }

#define ADD_LIST_OF(Doc)                  \
    if (added->itemsize == 2 && wide)     \
        ADD_LIST(Doc, uint16_t, uint32_t) \
    else if (added->itemsize == 2)        \
        ADD_LIST(Doc, uint16_t, uint16_t) \
    else if (wide)                        \
        ADD_LIST(Doc, uint32_t, uint32_t) \
    else                                  \
        ADD_LIST(Doc, uint32_t, uint16_t)

/* Add what a list has for `low` ≤ article < `high`; -1 if its order would lead elsewhere. */
static int
add_list(void *scores, const Py_buffer *docs, const Py_buffer *added, Py_ssize_t low, Py_ssize_t high, int wide)
{
    Py_ssize_t n = docs->len / docs->itemsize;
    Py_ssize_t first = place_of(docs, n, low), last = place_of(docs, n, high);
    if (docs->itemsize == 2) {
        ADD_LIST_OF(uint16_t)
    } else if (docs->itemsize == 4) {
        ADD_LIST_OF(uint32_t)
    } else {
        ADD_LIST_OF(uint64_t)
    }
    return 0;
}

static int
by_largest_first(const void *a, const void *b)
{
    long x = ((const Row *)a)->largest, y = ((const Row *)b)->largest;
    return (x < y) - (x > y);
}

INLINE void
find_best(const Scores *all, Row *rows, Py_ssize_t n_rows, long listed, Best *best, int wide)
{
    long left = 0; /* what rows not yet added may add */
    for (Py_ssize_t i = 0; i < n_rows; i++)
        left += rows[i].largest;
    long little = n_rows < MIN_PUT_OFF ? 0 : (listed + left) / PUT_OFF;
    qsort(rows, (size_t)n_rows, sizeof(Row), by_largest_first);
    for (;;) {
        collect(all, 0, NULL, 0, 0, best, wide);
        if (n_rows == 0)
            return;
        if (bar(best) > left) {
            collect(all, bar(best) - (int32_t)left - 1, rows, n_rows, left, best, wide);
            return;
        }
        if (left <= little)
            little = 0; /* it was not little enough */
        for (; n_rows > 0 && left > little; rows++, n_rows--) {
            left -= rows->largest;
            add_row(all, *rows, wide);
        }
        if (left == 0)
            n_rows = 0;
    }
}

/* -- what Python hands over -------------------------------------------------------------------------- */

/* Let other threads run while `n` numbers are worked on, if these are many. */
static PyThreadState *
let_others(Py_ssize_t n)
{
    return n >= LARGE ? PyEval_SaveThread() : NULL;
}

static void
go_on(PyThreadState *state)
{
    if (state)
        PyEval_RestoreThread(state);
}

/* A tuple of a list, borrowed; NULL for an error. */
static PyObject *
tuple_at(PyObject *list, Py_ssize_t place)
{
    PyObject *item = PyList_GetItem(list, place);
    if (item && !PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError, "lists, rows and ranges must be tuples");
        return NULL;
    }
    return item;
}

static int
read_ranges(PyObject *given, Py_ssize_t n_docs, Range *ranges, Py_ssize_t n)
{
    Py_ssize_t from = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *range = tuple_at(given, i);
        if (!range || !PyArg_ParseTuple(range, "nn", &ranges[i].start, &ranges[i].stop))
            return -1;
        if (ranges[i].start < from || ranges[i].stop < ranges[i].start || ranges[i].stop > n_docs) {
            PyErr_SetString(PyExc_ValueError, "ranges must ascend within the scores");
            return -1;
        }
        from = ranges[i].stop;
    }
    return 0;
}

static int
read_rows(PyObject *given, const Py_buffer *table, Py_ssize_t length, Row *rows, Py_ssize_t n)
{
    Py_ssize_t room = table->len / (Py_ssize_t)sizeof(uint16_t) / length, place;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *row = tuple_at(given, i);
        if (!row || !PyArg_ParseTuple(row, "lln", &rows[i].largest, &rows[i].times, &place))
            return -1;
        if (rows[i].largest < 0 || place < 0 || place >= room) {
            PyErr_SetString(PyExc_IndexError, "a row is not in the table, or adds less than nothing");
            return -1;
        }
        rows[i].added = (const uint16_t *)table->buf + place * length;
    }
    return 0;
}

/* Add a list, and what it adds at most to `listed`. */
static int
add_given(PyObject *given, void *scores, Py_ssize_t low, Py_ssize_t high, int wide, long *listed)
{
    long largest;
    Py_buffer docs, added;
    if (!given || !PyArg_ParseTuple(given, "ly*y*", &largest, &docs, &added))
        return -1;
    int added_up = -1;
    if ((docs.itemsize != 2 && docs.itemsize != 4 && docs.itemsize != 8) ||
        (added.itemsize != 2 && added.itemsize != 4) ||
        docs.len / docs.itemsize != added.len / added.itemsize)
        PyErr_SetString(PyExc_TypeError,
                        "a list needs articles of 16, 32 or 64 bits, and as many numbers of 16 or 32 bits");
    else {
        PyThreadState *state = let_others(docs.len / docs.itemsize);
        added_up = add_list(scores, &docs, &added, low, high, wide);
        go_on(state);
        if (added_up < 0)
            PyErr_SetString(PyExc_IndexError, "the articles of a list do not ascend");
    }
    PyBuffer_Release(&docs);
    PyBuffer_Release(&added);
    *listed += largest;
    return added_up;
}

static PyObject *
as_lists(Best *best)
{
    Py_ssize_t n = best->n;
    PyObject *docs = PyList_New(n), *scores = PyList_New(n);
    while (docs && scores && best->n > 0) {
        Hit worst = best->heap[0];
        Py_ssize_t place = --best->n;
        sink(best, best->heap[place]);
        PyObject *doc = PyLong_FromUnsignedLong(worst.doc), *score = PyLong_FromUnsignedLong(worst.score);
        if (!doc || !score) {
            Py_XDECREF(doc);
            Py_XDECREF(score);
            break;
        }
        PyList_SetItem(docs, place, doc);
        PyList_SetItem(scores, place, score);
    }
    PyObject *found = best->n == 0 && docs && scores ? PyTuple_Pack(2, docs, scores) : NULL;
    Py_XDECREF(docs);
    Py_XDECREF(scores);
    return found;
}

static PyObject *
find(const Py_buffer *scores, const Py_buffer *table, const Py_buffer *allowed, PyObject *lists,
     PyObject *given_rows, PyObject *given_ranges, Py_ssize_t k)
{
    int wide = scores->itemsize == 4;
    Py_ssize_t n_docs = wide || scores->itemsize == 2 ? scores->len / scores->itemsize : 0;
    Py_ssize_t n_lists = PyList_Size(lists), n_rows = PyList_Size(given_rows);
    Py_ssize_t n_ranges = PyList_Size(given_ranges);
    if (k < 1 || k > MAX_K || n_docs < 1 || n_ranges < 1) {
        PyErr_Format(PyExc_ValueError,
                     "needs scores of 16 or 32 bits, a range, and from 1 to %d hits to be found", MAX_K);
        return NULL;
    }
    PyObject *found = NULL;
    Row *rows = PyMem_Malloc((size_t)(n_rows + 1) * sizeof(Row));
    Range *ranges = PyMem_Malloc((size_t)n_ranges * sizeof(Range));
    if (!rows || !ranges) {
        PyErr_NoMemory();
        goto done;
    }
    if (read_rows(given_rows, table, n_docs, rows, n_rows) < 0 ||
        read_ranges(given_ranges, n_docs, ranges, n_ranges) < 0)
        goto done;
    Scores all = {scores->buf, allowed->buf, ranges, n_ranges};
    Py_ssize_t low = ranges[0].start, high = ranges[n_ranges - 1].stop;
    if (allowed->buf && allowed->len < high) {
        PyErr_SetString(PyExc_ValueError, "the mask is shorter than the ranges");
        goto done;
    }
    memset((char *)all.scores + low * scores->itemsize, 0, (size_t)((high - low) * scores->itemsize));
    long listed = 0;
    for (Py_ssize_t i = 0; i < n_lists; i++) {
        if (add_given(tuple_at(lists, i), all.scores, low, high, wide, &listed) < 0)
            goto done;
    }
    Best best = {.k = k};
    PyThreadState *state = let_others(high - low);
    if (wide)
        find_best(&all, rows, n_rows, listed, &best, 1);
    else
        find_best(&all, rows, n_rows, listed, &best, 0);
    go_on(state);
    found = as_lists(&best);
done:
    PyMem_Free(rows);
    PyMem_Free(ranges);
    return found;
}

static PyObject *
best(PyObject *module, PyObject *args)
{
    Py_buffer scores, table, allowed;
    PyObject *lists, *rows, *ranges;
    Py_ssize_t k;
    if (!PyArg_ParseTuple(args, "w*y*O!O!O!z*n", &scores, &table, &PyList_Type, &lists, &PyList_Type, &rows,
                          &PyList_Type, &ranges, &allowed, &k))
        return NULL;
    PyObject *found = find(&scores, &table, &allowed, lists, rows, ranges, k);
    PyBuffer_Release(&scores);
    PyBuffer_Release(&table);
    if (allowed.buf)
        PyBuffer_Release(&allowed);
    return found;
}

static PyMethodDef methods[] = {
    {"best", best, METH_VARARGS, "The k best articles: see _searcher.pyi."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_searcher", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__searcher(void)
{
    return PyModuleDef_Init(&definition);
}
