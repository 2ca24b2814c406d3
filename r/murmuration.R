# Reading Murmuration releases in R, and sums with the right error. Base R alone.
#
#   source("murmuration.R")
#   visits <- mm_read("releases/daily-mobility-0001", "visits")
#   mm_aggregate(visits, by = "date")

mm_figures <- c("value", "sd", "lo95", "hi95", "status", "node")
# Columns of numbers in all layers of a release.
mm_numbers <- paste0("^(value|sd|lo95|hi95|pop_value|sd_.*|weight|biased_.*|cells|node|",
                     "released_from|bin|from_bin|to_bin)$")

# Read one table of a release folder. Ids stay text ("001" is not 1), dates are dates, statuses
# and ids keep their published order; nothing is NA but a value that is not released.
#
# A table whose spec says keys = "threshold" has rows for its large cells alone (released_from says
# from where on); a cell without a row was not released, which is not 0.
#
# folder: the folder of one release. table: such as "visits". layer: "tables", or another folder
# of the release that holds CSV files.
mm_read <- function(folder, table, layer = "tables") {
  few <- file.path(folder, "thresholded", paste0(table, ".csv"))
  if (layer == "tables" && file.exists(few)) layer <- "thresholded"
  path <- file.path(folder, layer, paste0(table, ".csv"))
  if (!file.exists(path)) {
    have <- sub("\\.csv$", "", list.files(file.path(folder, layer), pattern = "\\.csv$"))
    stop(sprintf("%s has no table %s; its tables are %s", folder, table,
                 paste(have, collapse = ", ")), call. = FALSE)
  }
  rows <- utils::read.csv(path, colClasses = "character", na.strings = character(0),
                          check.names = FALSE, fileEncoding = "UTF-8")
  numbers <- grep(mm_numbers, names(rows), value = TRUE)
  dates <- intersect(names(rows), c("date", "from_date", "to_date"))
  for (name in numbers) rows[[name]] <- as.numeric(rows[[name]])
  for (name in dates) rows[[name]] <- as.Date(rows[[name]])
  for (name in setdiff(names(rows), c(numbers, dates, "bin_start"))) {
    rows[[name]] <- factor(rows[[name]], levels = unique(rows[[name]]))
  }
  attr(rows, "layer") <- if (layer == "tables" && table %in% mm_derived(folder)) "derived" else layer
  attr(rows, "table") <- table
  if ("node" %in% names(rows)) attr(rows, "levels") <- mm_levels(folder, table)
  rows
}

# How rows of a table at several levels share noise: the file levels/TABLE.csv of a release folder.
mm_levels <- function(folder, table) {
  rows <- utils::read.csv(file.path(folder, "levels", paste0(table, ".csv")),
                          colClasses = "character", na.strings = character(0),
                          check.names = FALSE, fileEncoding = "UTF-8")
  for (name in c("node", "up", "cells", "variance", "gain", "shared")) {
    rows[[name]] <- as.numeric(rows[[name]])
  }
  rows$first_date <- as.Date(rows$first_date)
  rows
}

# Names of the tables of a release that are derived from others.
mm_derived <- function(folder) {
  text <- paste(readLines(file.path(folder, "manifest.json"), encoding = "UTF-8"), collapse = " ")
  found <- regmatches(text, regexpr("\"derived\": *\\[[^]]*\\]", text))
  if (!length(found)) return(character(0))
  names <- regmatches(found, gregexpr("\"[^\"]+\"", found))[[1]][-1]
  gsub("\"", "", names)
}

# Sum rows of one measured table: values add, negative values are kept. Squares of sd add where the
# noise of rows is independent. Rows of a table at several levels (they have a column node) share
# noise: the exact variance follows from its file of levels.
#
# rows: from mm_read, or a part of it. by: key columns to keep; none for one sum.
# laplace: TRUE for a table with discrete Laplace noise (README of the release).
# levels: mm_levels(folder, table), for rows that have lost it (R drops it from parts of a frame).
# Result: by, rows, value, sd, lo95, hi95, status, as in Python's aggregate().
mm_aggregate <- function(rows, by = character(0), max_relative_sd = 0.3, laplace = FALSE,
                         levels = attr(rows, "levels")) {
  mm_refuse(rows, by, levels)
  status <- as.character(rows$status)
  group <- if (length(by)) interaction(rows[by], drop = TRUE, lex.order = TRUE)
           else factor(rep("all", nrow(rows)))
  total <- function(x) as.vector(rowsum(x, group, reorder = TRUE))
  value <- total(ifelse(status == "not_released", NA_real_, rows$value))
  shared <- "node" %in% names(rows)
  variance <- if (shared) mm_shared(rows, as.integer(group), nlevels(group), levels)
              else total(rows$sd^2)
  fourth <- if (!laplace) 0 * variance else if (shared) 3 * variance^2 else total(3 * rows$sd^4)
  z <- stats::qnorm(0.975)
  sd <- sqrt(variance)
  excess <- ifelse(variance > 0, fourth / variance^2, 0)
  half <- sd * (z + (z^3 - 3 * z) * excess / 24)
  count <- as.vector(table(group))
  first <- match(levels(group), as.character(group))
  out <- rows[first, by, drop = FALSE]
  rownames(out) <- NULL
  none <- total(as.numeric(status == "not_released")) > 0
  zero <- total(as.numeric(status == "structural_zero")) == count
  dark <- total(as.numeric(status %in% c("no_data", "partial"))) > 0
  low <- !none & sd > max_relative_sd * ifelse(is.na(value), 0, value)
  said <- ifelse(none, "not_released", ifelse(zero, "structural_zero",
          ifelse(dark, "partial", ifelse(low, "low_precision", "ok"))))
  out <- cbind(out, data.frame(rows = count, value = value, sd = sd, lo95 = value - half,
                               hi95 = value + half, status = said))
  attr(out, "layer") <- "aggregate"
  out
}

# The exact variance of sums of rows that share noise: up the tree with U, the variance of what a
# sum holds below a node, and A, how much of the node's correction it takes. A row has U = sd^2; k
# rows below one node have A = k / cells and add (k^2 - k) / cells^2 x shared. One level up a node adds
# A x gain to A; the square of that sum less the sum of squares, times shared, is added to U.
mm_shared <- function(rows, group, groups, levels) {
  zoned <- setdiff(names(levels), c("first_date", "node", "up", "level", "cells", "variance",
                                    "gain", "shared"))
  keys <- setdiff(names(rows), c(mm_figures, "bin_start", zoned))
  apart <- as.integer(interaction(lapply(rows[keys], as.character), drop = TRUE))
  first <- sort(unique(levels$first_date))
  span <- findInterval(as.numeric(rows$date), as.numeric(first))
  place <- function(span, node) match(paste(span, node), paste(match(levels$first_date, first),
                                                               levels$node))
  up <- ifelse(levels$up < 0, NA, place(match(levels$first_date, first), levels$up))
  noisy <- rows$sd > 0
  key <- data.frame(group = group, apart = apart, node = place(span, rows$node))[noisy, ]
  U <- rows$sd[noisy]^2
  part <- 1 / levels$cells[key$node]
  found <- numeric(groups)
  while (nrow(key)) {
    id <- paste(key$group, key$apart, key$node)
    sums <- rowsum(cbind(U, part, part^2), id, reorder = FALSE)
    key <- key[!duplicated(id), ]
    A <- sums[, 2]
    U <- sums[, 1] + (A^2 - sums[, 3]) * levels$shared[key$node]
    above <- up[key$node]
    top <- is.na(above)
    if (any(top)) {
      done <- rowsum(U[top], key$group[top])
      found[as.integer(rownames(done))] <- found[as.integer(rownames(done))] + done[, 1]
    }
    part <- (A * levels$gain[key$node])[!top]
    U <- U[!top]
    key$node <- above
    key <- key[!top, ]
  }
  pmax(found, 0)
}

# Stop where a sum would be wrong, or its error could not be told.
mm_refuse <- function(rows, by, levels = NULL) {
  layer <- attr(rows, "layer")
  if (identical(layer, "for_models") || any(startsWith(names(rows), "biased_"))) {
    stop("these rows are from for_models/: they are biased, and a sum of them is wrong. ",
         "Sum the rows of tables/ instead", call. = FALSE)
  }
  if (identical(layer, "thresholded") || "released_from" %in% names(rows)) {
    stop("these rows were released for being large, and a cell without a row is not 0: ",
         "a sum of them is biased by an unknown amount", call. = FALSE)
  }
  missing <- setdiff(c("value", "sd", "status", by), names(rows))
  if (length(missing)) stop("there is no column ", missing[1], call. = FALSE)
  if (!(is.null(layer) || layer == "tables") || any(c("level", "measure") %in% names(rows))) {
    stop("these rows are derived or summed: they share noise, so squares of sd do not add",
         call. = FALSE)
  }
  if ("node" %in% names(rows) && is.null(levels)) {
    stop("these rows share noise (their table has several levels), and it is not known how: give ",
         "levels = mm_levels(folder, table)", call. = FALSE)
  }
  keys <- setdiff(names(rows), c(mm_figures, "bin_start"))
  if (any(duplicated(rows[keys]))) {
    stop("a row is there twice (the same keys): its noise is not independent of itself",
         call. = FALSE)
  }
}
