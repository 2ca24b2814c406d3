# Reading Murmuration releases in R, and sums with the right error. Base R alone.
#
#   source("murmuration.R")
#   visits <- mm_read("releases/daily-mobility-0001", "visits")
#   mm_aggregate(visits, by = "date")

mm_figures <- c("value", "sd", "lo95", "hi95", "status")

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
  numbers <- intersect(names(rows), c(setdiff(mm_figures, "status"), "bin", "released_from"))
  for (name in numbers) rows[[name]] <- as.numeric(rows[[name]])
  for (name in intersect(names(rows), "date")) rows[[name]] <- as.Date(rows[[name]])
  for (name in setdiff(names(rows), c(numbers, "date", "bin_start"))) {
    rows[[name]] <- factor(rows[[name]], levels = unique(rows[[name]]))
  }
  attr(rows, "layer") <- if (layer == "tables" && table %in% mm_derived(folder)) "derived" else layer
  attr(rows, "table") <- table
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

# Sum rows of one measured table: values add, squares of sd add, negative values are kept.
#
# rows: from mm_read, or a part of it. by: key columns to keep; none for one sum.
# laplace: TRUE for a table with discrete Laplace noise (README of the release).
# Result: by, rows, value, sd, lo95, hi95, status, as in Python's aggregate().
mm_aggregate <- function(rows, by = character(0), max_relative_sd = 0.3, laplace = FALSE) {
  mm_refuse(rows, by)
  status <- as.character(rows$status)
  group <- if (length(by)) interaction(rows[by], drop = TRUE, lex.order = TRUE)
           else factor(rep("all", nrow(rows)))
  total <- function(x) as.vector(rowsum(x, group, reorder = TRUE))
  value <- total(ifelse(status == "not_released", NA_real_, rows$value))
  variance <- total(rows$sd^2)
  fourth <- if (laplace) total(3 * rows$sd^4) else 0 * variance
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

# Stop where a sum would be wrong, or its error could not be told.
mm_refuse <- function(rows, by) {
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
  keys <- setdiff(names(rows), c(mm_figures, "bin_start"))
  if (any(duplicated(rows[keys]))) {
    stop("a row is there twice (the same keys): its noise is not independent of itself",
         call. = FALSE)
  }
}
