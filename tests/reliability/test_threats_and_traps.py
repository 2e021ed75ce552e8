"""Every threat, trap and rule of RELIABILITY.md, and the tests that hold it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
F, C, D, R = (f"tests/{name}/test_" for name in ("formula", "compile", "descend", "reliability"))
REFUSED = F + "formula_refusals.py::test_malformed_text_is_a_formula_error"
SHARED = F + "formula_refusals.py::test_the_shared_table"
NUMPY = C + "compile_numpy.py::test_"
STOP = D + "descend_stop.py::test_"
DOORS = R + "hostile_doors.py::test_"
ENDS = R + "command_ends.py::test_"
ARRAYS = "tests/data/test_data_arrays.py::test_"
CSV = "tests/data/test_data_csv.py::test_"
FILES = "tests/data/test_data_files.py::test_"
RULES = "tests/derive/test_derive_rules.py::test_"
SWEEP = "tests/derive/test_derive_sweep.py::test_"
PARSER = F + "formula_parser.py::test_"
WORKER = "tests/worker/test_worker.py::test_"
IDENTITY = "tests/check/test_check_identity.py::test_"
SAVED = "tests/resume/test_resume_"
CODE = "tests/test_architecture.py::test_no_text_is_run_as_code"
LATEX = "tests/latex/test_latex_reading.py::test_"
WEB = "tests/web::test_"
KILLED = R + "killed_and_full.py::test_"
STRESS = R + "numerics_under_stress.py::test_"
MEMORY = R + "memory_of_rows.py::test_the_peak_memory_over_all_rows"
ISOLATED = "tests/derive/test_derive_isolated.py::test_"
EXTREMES = "tests/derive/test_derive_extremes.py::test_"

HELD: dict[str, tuple[str, ...]] = {
    "S1": (CODE, REFUSED, DOORS + "formulas"), "S2": (REFUSED, SHARED),
    "S3": (REFUSED, SHARED), "S4": (NUMPY + "no_user_text_reaches_the_generated_source",
      "tests/native/test_backend_choice.py::test_the_plain_function_sees_no_name_of_the_user"),
    "S5": (REFUSED, SHARED), "S6": (REFUSED, SHARED), "S7": (
        MEMORY,
        SHARED, DOORS + "formulas"),
    "S8": (REFUSED, SHARED), "S9": (REFUSED, SWEEP + "depth_two_thousand_is_no_error"),
    "S10": (SHARED, SWEEP + "the_gradient_costs_a_small_multiple_of_the_formula"),
    "S11": (LATEX + "large_input_is_refused_quickly", LATEX + "a_long_flat_sum_is_read_quickly"),
    "S12": ("tests/latex/test_latex_cases.py::test_the_hostile_latex", DOORS + "latex"),
    "S13": (DOORS + "names", F + "formula_refusals.py::test_the_shared_names",
            WEB + "hostile_names_are_refused",
            WEB + "text_is_never_html"),
    "S14": (WEB + "what_is_not_plain_json_is_refused",
            WEB + "our_files_write_no_html_and_run_no_text"),
    "S15": (WEB + "a_strange_host_is_refused", WEB + "a_request_of_another_page_is_refused",
            WEB + "the_token_of_the_page_is_needed_and_the_cookie_is_not_enough",
            WEB + "what_a_form_can_send_is_refused"),
    "S16": (WEB + "no_path_leads_out_of_the_table",
            WEB + "symbolic_links_and_hidden_files_are_not_in_the_table"),
    "S17": (WEB + "a_large_body_is_refused_before_it_is_read",
            WEB + "a_body_that_drips_is_given_up",
            WEB + "many_idle_connections_do_not_stop_the_page",
            WEB + "too_many_questions_are_refused_as_busy"),
    "S18": (WEB + "what_is_not_plain_json_is_refused",),
    "S19": (CODE, SAVED + "files.py::test_a_checkpoint_is_plain_json_that_says_what_it_is"),
    "S20": (DOORS + "files", FILES + "paths_that_are_refused", CSV + "limits"),
    "S21": (FILES + "written_cells_that_a_spreadsheet_would_run", DOORS + "files"),
    "S22": (CODE,),
    "T1": (
        F + "formula_ambiguous_names.py"
        "::test_what_is_printed_is_read_again_also_with_declared_names",
        SHARED, PARSER + "every_name_is_a_symbol"), "T2": (RULES + "function_of_two_numbers",),
    "T3": (PARSER + "every_name_is_a_symbol",),
    "T4": (NUMPY + "names_of_functions_are_harmless_as_columns",),
    "T5": (F + "formula_refusals.py::test_the_shared_names", PARSER + "roles"),
    "T6": (SWEEP + "exact_numbers_stay_exact",), "T7": (SHARED,),
    "T8": (RULES + "function_of_a_number",), "T9": (RULES + "subgradients_at_kinks",),
    "T10": (
        ISOLATED + "the_derivative_at_a_removable_point_is_the_limit",
        ISOLATED + "where_there_is_none_it_is_said",
        "tests/steps/test_steps_told.py::test_breakpoints_are_checked_exactly",),
    "T11": (
        EXTREMES + "the_subgradient_of_a_norm_at_zero_is_zero",
        EXTREMES + "the_root_of_a_square_is_the_absolute_value",
        EXTREMES + "a_subgradient_is_said_to_be_one",
        STOP + "leaving_the_domain", STOP + "a_start_outside_the_domain"),
    "T12": (RULES + "what_has_no_derivative_here_is_refused_by_name", SHARED),
    "T13": (RULES + "what_has_no_derivative_here_is_refused_by_name",), "T14": (SHARED,),
    "T15": (SWEEP + "a_constant_summand_keeps_its_rows",),
    "T16": (SWEEP + "the_gradient_costs_a_small_multiple_of_the_formula",),
    "T17": (NUMPY + "constant_gradients_are_broadcast",),
    "T18": (NUMPY + "extremes_are_finite",),
    "T19": (NUMPY + "scalars_outside_their_domain_are_inf_or_nan",),
    "T21": (
        STRESS + "columns_of_every_kind_are_computed_as_float64",
        ARRAYS + "every_kind_of_number_becomes_float64",
            ARRAYS + "what_is_not_plainly_numbers_is_refused"),
    "T22": (NUMPY + "numbers_of_every_kind_become_float64",),
    "T23": (
        EXTREMES + "log_cosh",
        STRESS + "functions_at_every_scale",
        NUMPY + "extremes_are_finite", NUMPY + "extremes_of_vectors_are_finite"),
    "T24": (
        STRESS + "values_keep_their_digits_near_zero",
        STRESS + "slopes_keep_their_digits_near_zero",
        STRESS + "slopes_in_the_tails_are_small_and_not_zero",
        STRESS + "slopes_of_quotients_lose_the_digits_of_1_over_x_and_no_more",
        NUMPY + "cancellation_is_taken_out",), "T25": (PARSER + "shapes_are_found_by_use",),
    "T26": (SWEEP + "ten_thousand_terms_are_no_error",),
    "T27": (NUMPY + "functions_of_one_number",),
    "T28": (STOP + "converged_is_a_promise_about_the_answer",),
    "T29": (STOP + "the_textbook_test_is_not_enough",),
    "T30": (D + "descend_quadratics.py::test_condition_up_to_a_million",),
    "T31": (STOP + "a_rate_above_the_limit_diverges_within_a_few_steps",),
    "T32": (STOP + "the_stable_limit_itself_oscillates", STOP + "chatter_at_a_kink_ends"),
    "T33": (STOP + "a_plateau_is_never_a_minimum", STOP + "a_saddle_is_never_a_minimum"),
    "T34": (STOP + "straight_down_is_unbounded",),
    "T35": (
        STRESS + "columns_of_every_scale_are_fitted_in_the_units_of_the_user",
        DOORS + "a_large_offset_keeps_its_digits",),
    "T36": (
        STRESS + "constant_and_collinear_columns_are_named",
        "tests/diagnose/test_diagnose_data.py::test_free_directions_are_named",),
    "T37": (
        STRESS + "cells_that_are_no_numbers_are_named_by_row_and_column",
        ARRAYS + "missing_values_are_counted_and_placed",),
    "T38": (ARRAYS + "length_one_does_not_broadcast",), "T39": (CSV + "what_is_refused",),
    "T40": (NUMPY + "names_of_functions_are_harmless_as_columns",),
    "R1": (WORKER + "it_is_killed_when_its_time_is_up_and_the_next_question_works",
           WORKER + "no_zombie_is_left"),
    "R2": (
        KILLED + "a_full_disk_keeps_the_checkpoint_that_was_there",
        ENDS + "a_stopped_run_prints_its_best_point", ENDS + "nobody_reads_on"),
    "R3": (
        KILLED + "a_kill_at_any_moment_leaves_no_wrong_checkpoint",
        KILLED + "a_kill_at_any_moment_leaves_no_wrong_kernel",
        SAVED + "files.py::test_no_half_written_file_is_left",),
    "R4": (SAVED + "bits.py::test_forty_and_sixty_updates_are_a_hundred",),
    "R5": (D + "descend_batches.py::test_the_same_seed_gives_the_same_run",),
    "R7": (WORKER + "threads_share_it_one_question_at_a_time",),
    "R8": (
        R + "every_outcome.py::test_a_run_ends_like_this",
        STOP + "every_outcome_carries_advice",),
}  # fmt: skip

DOES_NOT_APPLY = {
    "T20": "SymPy's cse is not called: the graph shares its parts, bound indices are axes",
    "R6": "symgd does not use Numba: compiled code is its own LLVM IR",
}
"""Why a rule has no test."""

NAMED = [*(f"S{i}" for i in range(1, 23)),
         *(f"T{i}" for i in range(1, 41)), *(f"R{i}" for i in range(1, 9))]  # fmt: skip


@cache
def names_in(path: str) -> frozenset[str]:
    """The functions in a file, or in all test files of a folder."""
    place = ROOT / path
    found: set[str] = set()
    for file in place.glob("test_*.py") if place.is_dir() else [place]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found.update(
            n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        )
    return frozenset(found)


@pytest.mark.parametrize("name", NAMED)
def test_it_is_held_by_tests_or_does_not_apply(name: str) -> None:
    assert (name in HELD) != (name in DOES_NOT_APPLY)
    for node in HELD.get(name, ()):
        path, _, test = node.partition("::")
        assert test in names_in(path), f"{node} is not there"


def test_what_does_not_apply_is_not_there() -> None:
    for place in (ROOT / "symgd").rglob("*.py"):
        text = place.read_text(encoding="utf-8")
        assert "import numba" not in text
        assert "sp.cse(" not in text
