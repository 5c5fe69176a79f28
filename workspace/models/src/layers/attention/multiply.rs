//! Products of small matrices on one thread, within buffers that the caller owns.

use gemm::Parallelism;

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// How far apart rows, then columns, begin.
    pub(super) strides: (usize, usize),
}

impl<'a> Matrix<'a> {
    /// Rows of a given distance, whose numbers follow each other.
    pub(super) fn rows(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self { data, rows, columns, strides: (stride, 1) }
    }

    /// The same numbers with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, strides: (self.strides.1, self.strides.0), ..self }
    }

    fn is_inside(&self) -> bool {
        let last = |count: usize, stride: usize| count.saturating_sub(1) * stride;
        self.rows * self.columns == 0
            || last(self.rows, self.strides.0) + last(self.columns, self.strides.1) < self.data.len()
    }
}

/// Writes `left · right` into `out` (rows one after the other), or adds it to what is there.
///
/// # Panics
///
/// When a matrix does not lie within its slice or the sizes do not fit: that is a mistake in this crate.
pub(super) fn multiply(out: &mut [f32], add: bool, left: Matrix<'_>, right: Matrix<'_>) {
    let (rows, inner, columns) = (left.rows, left.columns, right.columns);
    assert!(inner == right.rows && rows * columns <= out.len(), "sizes fit");
    assert!(left.is_inside() && right.is_inside(), "matrices lie within their slices");
    let stride = |stride: usize| stride as isize;
    #[expect(
        unsafe_code,
        reason = "the kernel takes pointers; that all it touches is inside the slices is asserted above"
    )]
    // SAFETY: `left`, `right` and `out` are live slices; every element at (row, column) of the given sizes and strides
    // lies inside its slice by the assertions above; `out` is borrowed exclusively, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            stride(columns),
            add,
            left.data.as_ptr(),
            stride(left.strides.1),
            stride(left.strides.0),
            right.data.as_ptr(),
            stride(right.strides.1),
            stride(right.strides.0),
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
