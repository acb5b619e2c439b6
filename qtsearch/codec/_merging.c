/* Inverted lists of several parts -> those of one, as merging.py has them, in one pass where NumPy needs many.

   Whatever stands in an array, nothing is read or written but what was handed over. */

#include "_arrays.h"

#define FIELDS 3
#define KINDS (1 << FIELDS)
#define MAX_COUNTS (2 + FIELDS)
#define ARRAYS 7 /* that a part has, and each of what else is handed over */

/* The lists of a part ascend by their keys. Those of the same key become one list, in the order of the new
   numbers of articles. Each part's share of a list mostly has that order already, and is put among what is
   there from the end; where it has not, it is sorted first. Positions follow their postings. */

/* A part as it was handed over; `next` is the list to go on with. */
typedef struct {
    Py_buffer keys, new_docs, offsets, docs, numbers, position_offsets, positions;
    Py_ssize_t next;
} Part;

/* What comes out, and how much of it is there. `totals`: tokens of a posting by its number; `kinds`: a bit for
   each field that has some. Of each list the first `n_counts` of postings, tokens, and articles by field. */
typedef struct {
    Py_buffer totals, kinds, keys, counts, docs, numbers, positions;
    Py_ssize_t n_counts, n_lists, n_postings, n_tokens;
} Merged;

/* A posting on its way; `from`: its first position. */
typedef struct {
    uint32_t doc;
    uint32_t number;
    const uint16_t *from;
} Posting;

/* The `n` postings of one list, and room for as many more. */
typedef struct {
    Posting *all;
    Posting *spare;
    Py_ssize_t n;
    Py_ssize_t room;
} List;

static int
by_doc(const void *a, const void *b)
{
    uint32_t x = ((const Posting *)a)->doc, y = ((const Posting *)b)->doc;
    return (x > y) - (x < y);
}

static Outcome
make_room(List *list, int64_t more)
{
    if (more <= list->room - list->n)
        return FINE;
    Py_ssize_t room = 2 * (list->n + (Py_ssize_t)more);
    Posting *all = realloc(list->all, (size_t)room * sizeof(Posting));
    if (all)
        list->all = all;
    Posting *spare = realloc(list->spare, (size_t)room * sizeof(Posting));
    if (spare)
        list->spare = spare;
    if (!all || !spare)
        return NO_MEMORY;
    list->room = room;
    return FINE;
}

/* The postings of a part's list of which the article stays, put behind those that are there. */
static Outcome
gather(const Part *part, const Merged *merged, List *list)
{
    const int64_t *offsets = (const int64_t *)part->offsets.buf + part->next;
    const uint32_t *totals = merged->totals.buf;
    const int32_t *new_docs = part->new_docs.buf;
    const uint16_t *positions = part->positions.buf;
    int64_t start = offsets[0], stop = offsets[1];
    int64_t token = ((const int64_t *)part->position_offsets.buf)[part->next];
    int64_t n_tokens = length(&part->positions);
    if (start < 0 || stop > length(&part->docs) || stop > length(&part->numbers) || token < 0)
        return OUT_OF_BOUNDS;
    if (start < stop && make_room(list, stop - start) != FINE)
        return NO_MEMORY;
    for (int64_t i = start; i < stop; i++) {
        uint32_t doc = number_at(&part->docs, i), number = number_at(&part->numbers, i);
        if (doc >= (uint64_t)length(&part->new_docs) || number >= (uint64_t)length(&merged->totals))
            return OUT_OF_BOUNDS;
        if (totals[number] > n_tokens - token)
            return OUT_OF_BOUNDS;
        if (new_docs[doc] >= 0)
            list->all[list->n++] = (Posting){(uint32_t)new_docs[doc], number, positions + token};
        token += totals[number];
    }
    return FINE;
}

/* Put the postings from `middle` on in order, and among those before. */
static void
merge_in(List *list, Py_ssize_t middle)
{
    Posting *all = list->all, *spare = list->spare;
    Py_ssize_t n_more = list->n - middle;
    for (Py_ssize_t i = middle + 1; i < list->n; i++) {
        if (all[i].doc < all[i - 1].doc) {
            qsort(all + middle, (size_t)n_more, sizeof(Posting), by_doc);
            break;
        }
    }
    if (middle == 0 || n_more == 0 || all[middle - 1].doc <= all[middle].doc)
        return;
    memcpy(spare, all + middle, (size_t)n_more * sizeof(Posting));
    for (Py_ssize_t place = list->n - 1; n_more > 0; place--) {
        if (middle > 0 && all[middle - 1].doc > spare[n_more - 1].doc)
            all[place] = all[--middle];
        else
            all[place] = spare[--n_more];
    }
}

/* Whether there is room for one more list of so many postings. */
static int
has_room(const Merged *merged, int64_t n)
{
    return n <= length(&merged->docs) - merged->n_postings && n <= length(&merged->numbers) - merged->n_postings &&
           merged->n_lists < length(&merged->keys);
}

/* The list whose postings and positions were put behind those that are there is one of what comes out. */
static void
close_list(Merged *merged, int64_t key, Py_ssize_t n, Py_ssize_t n_tokens, const int64_t *of_kind)
{
    int64_t found[MAX_COUNTS] = {n, n_tokens};
    for (int kind = 0; kind < KINDS; kind++) {
        for (int field = 0; field < FIELDS; field++)
            found[2 + field] += kind >> field & 1 ? of_kind[kind] : 0;
    }
    memcpy((int64_t *)merged->counts.buf + merged->n_counts * merged->n_lists, found,
           (size_t)merged->n_counts * sizeof(int64_t));
    merged->n_postings += n;
    merged->n_tokens += n_tokens;
    ((int64_t *)merged->keys.buf)[merged->n_lists++] = key;
}

/* Add a list to what is there. */
static Outcome
put_list(Merged *merged, int64_t key, const List *list)
{
    if (!has_room(merged, list->n))
        return OUT_OF_BOUNDS;
    const uint32_t *totals = merged->totals.buf;
    const uint8_t *kinds = merged->kinds.buf;
    Py_ssize_t room = length(&merged->positions) - merged->n_tokens, n_tokens = 0;
    uint16_t *positions = (uint16_t *)merged->positions.buf + merged->n_tokens;
    int64_t of_kind[KINDS] = {0};
    for (Py_ssize_t i = 0; i < list->n;) {
        const uint16_t *from = list->all[i].from, *to = from;
        /* Positions that follow each other as before are copied as one. */
        for (; i < list->n && list->all[i].from == to; i++) {
            uint32_t number = list->all[i].number;
            put(&merged->docs, merged->n_postings + i, list->all[i].doc);
            put(&merged->numbers, merged->n_postings + i, number);
            of_kind[kinds[number] % KINDS]++;
            to += totals[number];
        }
        if (to - from > room - n_tokens)
            return OUT_OF_BOUNDS;
        memcpy(positions + n_tokens, from, (size_t)(to - from) * sizeof(uint16_t));
        n_tokens += to - from;
    }
    close_list(merged, key, list->n, n_tokens, of_kind);
    return FINE;
}

/* The list that one part alone has, as most are, without the way by way of a List. -1 where that would be wrong,
   for its postings are not in order, or go beyond what there is: then nothing was added. */
static int
copy_list(const Part *part, Merged *merged, int64_t key)
{
    const int64_t *offsets = (const int64_t *)part->offsets.buf + part->next;
    const uint32_t *totals = merged->totals.buf;
    const uint8_t *kinds = merged->kinds.buf;
    const int32_t *new_docs = part->new_docs.buf;
    const uint16_t *positions = part->positions.buf;
    uint16_t *out = (uint16_t *)merged->positions.buf + merged->n_tokens;
    int64_t start = offsets[0], stop = offsets[1];
    int64_t from = ((const int64_t *)part->position_offsets.buf)[part->next], to = from;
    Py_ssize_t n_tokens = length(&part->positions), room = length(&merged->positions) - merged->n_tokens;
    if (start < 0 || stop < start || stop > length(&part->docs) || stop > length(&part->numbers) || from < 0 ||
        from > n_tokens || !has_room(merged, stop - start))
        return -1;
    int64_t of_kind[KINDS] = {0}, last = -1;
    Py_ssize_t n = 0, copied = 0;
    for (int64_t i = start; i < stop; i++) {
        uint32_t doc = number_at(&part->docs, i), number = number_at(&part->numbers, i);
        if (doc >= (uint64_t)length(&part->new_docs) || number >= (uint64_t)length(&merged->totals) ||
            totals[number] > n_tokens - to)
            return -1;
        int64_t new_doc = new_docs[doc];
        if (new_doc >= 0) {
            if (new_doc < last)
                return -1;
            last = new_doc;
            put(&merged->docs, merged->n_postings + n, (uint32_t)new_doc);
            put(&merged->numbers, merged->n_postings + n++, number);
            of_kind[kinds[number] % KINDS]++;
            to += totals[number];
            if (i < stop - 1)
                continue;
        }
        /* The positions up to here are copied as one; those of an article that is left out are passed over. */
        if (to - from > room - copied)
            return -1;
        memcpy(out + copied, positions + from, (size_t)(to - from) * sizeof(uint16_t));
        copied += to - from;
        if (new_doc < 0)
            from = to += totals[number];
    }
    if (n > 0)
        close_list(merged, key, n, copied, of_kind);
    return 0;
}

/* Whether a part has another list, and its key. */
static int
has_next(const Part *part, int64_t *key)
{
    if (part->next >= length(&part->keys))
        return 0;
    *key = ((const int64_t *)part->keys.buf)[part->next];
    return 1;
}

static Outcome
merge_lists(Part *parts, Py_ssize_t n_parts, Merged *merged)
{
    List list = {0};
    Outcome outcome = FINE;
    while (outcome == FINE) {
        int64_t least = INT64_MAX, key;
        int n_having = 0;
        Part *having = NULL;
        for (Py_ssize_t i = 0; i < n_parts; i++) {
            if (has_next(&parts[i], &key) && (!having || key <= least)) {
                n_having = having && key == least ? n_having + 1 : 1;
                having = &parts[i];
                least = key;
            }
        }
        if (!having)
            break;
        int follows = having->next + 1 < length(&having->keys) &&
                      ((const int64_t *)having->keys.buf)[having->next + 1] == least;
        if (n_having == 1 && !follows && copy_list(having, merged, least) == 0) {
            having->next++;
            continue;
        }
        list.n = 0;
        for (Py_ssize_t i = 0; i < n_parts; i++) {
            Py_ssize_t middle = list.n;
            for (; outcome == FINE && has_next(&parts[i], &key) && key == least; parts[i].next++)
                outcome = gather(&parts[i], merged, &list);
            merge_in(&list, middle);
        }
        if (outcome == FINE && list.n > 0)
            outcome = put_list(merged, least, &list);
    }
    free(list.all);
    free(list.spare);
    return outcome;
}

/* -- what Python hands over -------------------------------------------------------------------------- */

static int
is_sound_part(const Part *part)
{
    if (!has_width(&part->keys, 3, 3) || !has_width(&part->new_docs, 2, 2) || !has_width(&part->offsets, 3, 3) ||
        !has_width(&part->docs, 1, 2) || !has_width(&part->numbers, 0, 2) ||
        !has_width(&part->position_offsets, 3, 3) || !has_width(&part->positions, 1, 1))
        return 0;
    if (length(&part->offsets) <= length(&part->keys) || length(&part->position_offsets) <= length(&part->keys)) {
        PyErr_SetString(PyExc_ValueError, "a part needs more offsets than keys");
        return 0;
    }
    return 1;
}

static int
is_sound_result(Merged *merged)
{
    if (!has_width(&merged->totals, 2, 2) || !has_width(&merged->kinds, 0, 0) || !has_width(&merged->keys, 3, 3) ||
        !has_width(&merged->counts, 3, 3) || !has_width(&merged->docs, 1, 2) ||
        !has_width(&merged->numbers, 0, 2) || !has_width(&merged->positions, 1, 1))
        return 0;
    if (length(&merged->kinds) < length(&merged->totals)) {
        PyErr_SetString(PyExc_ValueError, "there must be as many kinds as totals");
        return 0;
    }
    if (length(&merged->keys) > 0)
        merged->n_counts = length(&merged->counts) / length(&merged->keys);
    if (merged->n_counts > MAX_COUNTS) {
        PyErr_Format(PyExc_ValueError, "there are %d counts of a list, not more", MAX_COUNTS);
        return 0;
    }
    return 1;
}

static PyObject *
merge_given(PyObject *given, Merged *merged)
{
    Py_ssize_t n_parts = PyList_Size(given), n = 0;
    PyObject *found = NULL;
    Part *parts = PyMem_Calloc((size_t)n_parts + 1, sizeof(Part));
    if (!parts)
        return PyErr_NoMemory();
    for (; n < n_parts; n++) {
        Part *part = &parts[n];
        PyObject *arrays = PyList_GetItem(given, n);
        if (!PyTuple_Check(arrays)) {
            PyErr_SetString(PyExc_TypeError, "a part must be a tuple");
            goto done;
        }
        if (!PyArg_ParseTuple(arrays, "y*y*y*y*y*y*y*", &part->keys, &part->new_docs, &part->offsets, &part->docs,
                              &part->numbers, &part->position_offsets, &part->positions))
            goto done;
        if (!is_sound_part(part)) {
            n++;
            goto done;
        }
    }
    Outcome outcome;
    Py_BEGIN_ALLOW_THREADS
    outcome = merge_lists(parts, n_parts, merged);
    Py_END_ALLOW_THREADS
    if (outcome == FINE)
        found = Py_BuildValue("nnn", merged->n_lists, merged->n_postings, merged->n_tokens);
    else if (outcome == NO_MEMORY)
        PyErr_NoMemory();
    else
        PyErr_SetString(PyExc_IndexError, "postings lead out of their arrays");
done:
    for (Py_ssize_t i = 0; i < n; i++)
        release(&parts[i].keys, ARRAYS);
    PyMem_Free(parts);
    return found;
}

static PyObject *
merge(PyObject *module, PyObject *args)
{
    PyObject *parts, *found = NULL;
    Merged merged = {0};
    if (!PyArg_ParseTuple(args, "O!y*y*w*w*w*w*w*", &PyList_Type, &parts, &merged.totals, &merged.kinds,
                          &merged.keys, &merged.counts, &merged.docs, &merged.numbers, &merged.positions))
        return NULL;
    if (is_sound_result(&merged))
        found = merge_given(parts, &merged);
    release(&merged.totals, ARRAYS);
    return found;
}

static PyMethodDef methods[] = {
    {"merge", merge, METH_VARARGS, "Several parts' inverted lists as one: see _merging.pyi."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_merging", .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__merging(void)
{
    return PyModuleDef_Init(&definition);
}
