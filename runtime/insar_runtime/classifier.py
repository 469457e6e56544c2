"""The classifier: classes of displacement time series, and their diagnosis, on one device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from insar_runtime._engine.row_labels import with_labels
from insar_runtime._engine.runner import ModelRunner, Shares
from insar_runtime._pipeline.given_input import take_series
from insar_runtime.result import Result, join_parts

if TYPE_CHECKING:
    import pyarrow as pa

    from insar_runtime._diagnosis.diagnosis import Diagnosis
    from insar_runtime._diagnosis.noise.noise_model import FileNoise
    from insar_runtime._diagnosis.options import Diagnose, JumpRows
    from insar_runtime._input.units.series_units import Unit

__all__ = ["Classifier", "Shares"]


class Classifier(ModelRunner):
    """Classify displacement time series.

    One classifier may be shared between threads, and can be pickled (the copy opens its own session).

    Parameters
    ----------
    model : str or Path, optional
        Name of a shipped model or folder of your own; the default model if not given.
    device : {"auto", "cpu", "cuda", "coreml", "directml", "openvino"}
        Where to run. Anything but ``auto`` fails if it does not really run there.
    precision : {"fp32", "int8"}, optional
        By default the faster one of the model on this kind of CPU, and fp32 elsewhere. Few labels differ
        between the two (``model.json`` says how many); name fp32 where several machines are to agree.
    threads : int, optional
        Parallel calls of the model; by default one for each CPU that the process may use.
    abstain_below : float, optional
        Confidence below which a row gets no class; by default the model's own threshold.
    stable_rate : float, optional
        Rate in mm/yr below which a series is Stable, and from which on it is Linear; by default the model's own,
        ``definitions.STABLE_RATE_MM_YR``. With another one the probabilities of Stable and Linear together are divided
        by the rate of each series, of least squares beside an annual cycle, and its standard deviation for coloured
        noise (Newey and West), also for a model that names no rate of its own. That comes first, then ``priors``.
    priors : mapping of str to float, or sequence of 6 or 5 floats, optional
        Shares of the classes where the series come from, by name or in the order of ``CLASS_NAMES``; they need not
        sum to 1. Probabilities, classes and abstention then hold for that mix. By default the mix of the training.
        Five shares leave Other the share that it has in the training; a model of five classes takes five only.

    Raises
    ------
    UnavailableError
        If the model or the device is not there.
    ModelIntegrityError
        If a model file is not the released one.
    UsageError
        If an option is out of range.

    Examples
    --------
    >>> classifier = Classifier()
    >>> result = classifier.classify(displacement, dates)
    >>> result.class_name[0], result.confidence[0]
    """

    def classify(
        self,
        displacement: Any,
        dates: ArrayLike | Sequence[Any] | None = None,
        *,
        units: Unit | None = None,
        priors: Shares | Literal["auto", "trained"] | None = None,
    ) -> Result:
        """Classify series that share their dates.

        Parameters
        ----------
        displacement : array_like, data frame, Arrow table or DataArray
            Displacement along the line of sight; NaN, null and masked values are missing. The reference epoch does not
            matter.

            - array_like of float, shape [N, T] or [T];
            - ``pandas.DataFrame`` with one series a row and dates in the names of its columns, by the rules of files;
              its other columns are ignored, and ``Result.to_pandas`` has its index. A ``pandas.Series`` with dates as
              its index is one series;
            - ``pyarrow.Table`` or ``RecordBatch``, and what offers ``__arrow_c_stream__``, such as a data frame of
              polars or a relation of DuckDB; as a data frame, or with lists of dates and displacements;
            - ``xarray.DataArray`` with an axis of time and any others, in any order; ``Result.to_xarray`` has its shape
              and coordinates. One that dask holds in chunks is read and classified chunk by chunk.
        dates : array_like, shape [T], optional
            Acquisition dates of an array: ``datetime64``, ``datetime.date``, ISO text, whole numbers such as 20200103,
            or increasing decimal years, which are rounded to the nearest day. Need not be in order otherwise. Data
            frames and tables given with dates are arrays.
        units : {"mm", "cm", "m", "rad"}, optional
            Unit of the values. By default mm for arrays; the unit that a table proves, else mm; and that of the
            attribute ``units`` of a DataArray, which needs one.
        priors : mapping of str to float, sequence of 6 or 5 floats, "auto" or "trained", optional
            Shares of the classes where the series come from, in place of the classifier's. ``auto`` estimates them from
            2,048 of the first 8,192 series, as ``classify_file`` does by default; with fewer than 100 the mix of the
            training is kept. ``trained`` is the mix of the training. ``Result.priors`` says what was assumed. Not
            estimated by default, because a call may be for one series, or for a part of a table.

        Returns
        -------
        Result
            One value a series; a row that cannot be classified has a status that says why. The rows of a DataArray are
            counted in the order of its axes without time, the last one fastest.

        Raises
        ------
        UsageError
            If the shapes do not fit together, dates or unit are not given, or priors are no shares.
        DataError
            If a date is missing or occurs twice, a table has no series, or there are fewer or more epochs than the
            model takes.
        """
        given = take_series(self, displacement, dates, units)
        runner: ModelRunner = self
        if isinstance(priors, str) and priors == "trained":
            runner = self.with_priors(None)
        elif isinstance(priors, str) and priors == "auto":
            from insar_runtime._pipeline.array_priors import estimate_array_priors  # noqa: PLC0415 - reads files, too

            runner = self.with_priors(estimate_array_priors(self, given))
        elif priors is not None:
            runner = self.with_priors(priors)
        days = given.days
        results = ((part.rows, runner.classify_matrix(part.load(), days)) for part in given.parts)
        result = join_parts(results, given.count) if len(given.parts) > 1 else next(results)[1]
        return with_labels(replace(result, priors=runner.priors), given.labels)

    def diagnose(
        self,
        displacement: Any,
        dates: ArrayLike | Sequence[Any] | None = None,
        *,
        units: Unit | None = None,
        result: Result | None = None,
        noise: FileNoise | None = None,
        half_wavelength_mm: float | Literal["auto"] | None = "auto",
        jumps: JumpRows = "flagged",
        repair_above: float = 0.6,
        repair_damped: bool = False,
        recent_days: int = 180,
    ) -> Diagnosis:
        """Estimate rates, break dates and jumps of series with uncertainties, and the series without jumps.

        Parameters
        ----------
        displacement, dates, units
            As for ``classify``; a DataArray in chunks is loaded as a whole.
        result : Result, optional
            Classes of these series, where ``classify`` has given them before.
        noise : FileNoise, optional
            Of the file that the series are from, such as ``Diagnosis.noise`` of many rows of it. By default it is
            estimated from the series, or typical where they are too few.
        half_wavelength_mm : float, None or "auto"
            Half the wavelength of the radar, whose multiples jumps are. None: no multiples, as in projected series.
            By default that of Sentinel-1 where the producer of a table is known to process it, or no other radar can
            have acquired on these dates, else None.
        jumps : {"flagged", "all"}
            Series that are searched for jumps: those of class PUE, or that would be if the classifier were surer; or
            all.
        repair_above : float
            Probability from which a jump of a whole number of half wavelengths is taken out of the corrected series.
        repair_damped : bool
            Whether jumps that are no such multiple are taken out, too, by their estimated size.
        recent_days : int
            Length of the window at the end of the series whose rate is compared with that before.

        Returns
        -------
        Diagnosis
            ``corrected`` are the series without the repaired jumps, their epochs in the order of ``Diagnosis.dates``.

        Raises
        ------
        UsageError
            If the shapes do not fit together, or an option is out of range.
        DataError
            As ``classify``.

        Examples
        --------
        >>> diagnosis = classifier.diagnose(displacement, dates)
        >>> diagnosis.rates.velocity, diagnosis.break_date, diagnosis.jump_date, diagnosis.corrected
        >>> diagnosis.recent.v_recent, diagnosis.recent.probability
        """
        from insar_runtime._diagnosis.options import Diagnose  # noqa: PLC0415 - classes take none of it
        from insar_runtime._pipeline.diagnose_array import diagnose_array  # noqa: PLC0415

        options = Diagnose(jumps, repair_above, repair_damped, recent_days)
        return diagnose_array(
            self,
            displacement,
            dates,
            units=units,
            result=result,
            noise=noise,
            half_wavelength_mm=half_wavelength_mm,
            options=options,
        )

    def classify_batches(
        self,
        batches: Iterable[pa.RecordBatch] | pa.RecordBatch | pa.Table,
        *,
        units: Unit | None = None,
        keep_series: bool = False,
        diagnose: bool | Diagnose = False,
        noise: FileNoise | None = None,
        half_wavelength_mm: float | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Classify a stream of Arrow record batches; same rows, same order, one batch out for one in.

        This is the contract of Spark's ``mapInArrow`` and of Ray Data's Arrow batches. All batches of one
        call are one file: their columns and their time axis are resolved once, on the first with rows.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch, pyarrow.RecordBatch or pyarrow.Table
            Tables with one series a row, dates in columns or in lists.
        units : {"mm", "cm", "m", "rad"}, optional
            Unit of the displacements, where the table does not prove it by its velocity column.
        keep_series : bool
            Whether the columns of the series are kept beside the attributes.
        diagnose : bool or Diagnose
            Whether rates, breaks and jumps are found as well, and how.
        noise : FileNoise, optional
            Of the file that the rows are from, such as ``Diagnosis.noise``; by default that of the first rows.
        half_wavelength_mm : float, optional
            Of the radar; by default the model's for series in radians, and for jumps what producer and dates prove.

        Yields
        ------
        pyarrow.RecordBatch
            Attribute columns, then the columns of ``insar_runtime.result.RESULT_SCHEMA``; then those of
            ``Diagnosis.to_arrow`` where they are wanted.

        Raises
        ------
        DataError
            If the table cannot be read as series: layout, dates, units.
        """
        from insar_runtime._diagnosis.options import Diagnose  # noqa: PLC0415
        from insar_runtime._pipeline.stream import classify_stream  # noqa: PLC0415 - pyarrow only where tables are read

        yield from classify_stream(
            self,
            batches,
            units=units,
            half_wavelength_mm=half_wavelength_mm,
            keep_series=keep_series,
            diagnose=Diagnose() if diagnose is True else diagnose or None,
            noise=noise,
        )
