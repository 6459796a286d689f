// Which question: what does a convolution compute, in the fewest lines a page can hold?
//
// Idea: the equation itself, y[k][p][q] = b[k] + Σ w[k][c][i][j] · x[c][p·stride + i·dilation - padding][…], taps outside the input counting as 0.
// Pairs are [rows, columns].  The tests hold it against minicnn.conv2d(algorithm="reference").
// Cost: every product, one by one; meant for inputs of a few cells.  What it does not do: batches, groups, checking (tryit.js checks).
// Next room: tryit.js, which lets a reader change every number.

/** The output size along one axis: ⌊(n + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1; below 1 the kernel does not fit. */
export function outputSize(n, kernel, stride, padding, dilation) {
  return Math.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** The convolution of x [C][H][W] with w [K][C][kh][kw] and b [K], or null for no bias. */
export function conv2d(x, w, b, [sh, sw] = [1, 1], [ph, pw] = [0, 0], [dh, dw] = [1, 1]) {
  const rows = outputSize(x[0].length, w[0][0].length, sh, ph, dh);
  const columns = outputSize(x[0][0].length, w[0][0][0].length, sw, pw, dw);
  const cell = (c, i, j) => x[c][i]?.[j] ?? 0; // outside the input: padding
  const sum = (k, p, q) => {
    let total = b ? b[k] : 0;
    for (const [c, filter] of w[k].entries())
      for (const [i, row] of filter.entries())
        for (const [j, weight] of row.entries()) total += weight * cell(c, p * sh + i * dh - ph, q * sw + j * dw - pw);
    return total;
  };
  return w.map((_, k) => Array.from({ length: rows }, (_, p) => Array.from({ length: columns }, (_, q) => sum(k, p, q))));
}
