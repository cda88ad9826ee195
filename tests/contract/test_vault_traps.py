"""What surprises people about the original, and what they complain about: each has a test here, or a reason.

The keys are the traps. A value that names a test says where the behaviour is held; any other says why there
is nothing to hold.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACT, UNIT, SCENARIO, FAULT = "tests/contract", "tests/unit", "tests/scenario", "tests/fault"

SURPRISES = {
    "a new server has no secret/": f"{CONTRACT}/test_vault_mounts.py::test_what_is_mounted_at_first",
    "sys/mounts/* does not match sys/mounts, which nodes read": (
        f"{CONTRACT}/test_vault_policies.py::test_the_policy_of_a_storage_node_lets_it_find_its_mount"
    ),
    "the sample policy of storage nodes lacks metadata": (
        f"{UNIT}/policy/test_acl.py::test_storage_node_policy"
    ),
    "a status names the storage that there is": (
        f"{CONTRACT}/test_vault_seal.py::test_has_every_field_with_its_type"
    ),
    "404 carries data for deleted versions": (
        f"{UNIT}/api_vault/test_vault_answers.py::test_a_deleted_version_is_a_404_that_says_when"
    ),
    "an empty listing is 404; writes are 204 or 200": (
        f"{CONTRACT}/test_vault_transport.py::test_nothing_to_say_is_a_status"
    ),
    "Content-Type is exactly application/json": (
        f"{CONTRACT}/test_vault_transport.py::test_nothing_is_kept_and_the_media_type_is_exact"
    ),
    "members stand beside the envelope, too": (
        f"{CONTRACT}/test_vault_transport.py::test_old_clients_read_the_members_beside_the_envelope"
    ),
    "OpenPGP shares encrypt the hexadecimal text": (
        f"{UNIT}/store/test_gpg_seal.py::test_two_of_three_open_the_store"
    ),
    "the one-time pad is as long as the token": (
        f"{CONTRACT}/test_vault_operations.py::test_with_a_pad_of_one_s_own"
    ),
    "ceremonies without a token are off, and a listener can allow them": (
        f"{UNIT}/store/test_ceremonies.py::test_everybody_where_the_listener_says_so"
    ),
    "the larger max_versions counts": f"{UNIT}/engines/test_kv2_rules.py::test_how_many_versions_are_kept",
    "numbers over 2^53 keep their digits": (
        f"{CONTRACT}/test_vault_transport.py::test_numbers_keep_their_digits"
    ),
    "lookup-self always has ttl and expire_time": (
        f"{CONTRACT}/test_vault_tokens.py::test_root_has_no_end_and_says_so_with_null"
    ),
    "versions are numbers or text": (
        f"{UNIT}/api_vault/test_vault_answers.py::test_versions_may_be_numbers_or_text"
    ),
    "build_date and commit_date are both there": (
        f"{CONTRACT}/test_vault_seal.py::test_has_every_field_with_its_type"
    ),
    "a use is counted before the answer": (
        f"{UNIT}/store/test_token_life.py::test_uses_are_counted_before_the_answer_and_survive_a_crash"
    ),
    "sys/leader answers 200 while sealed": (
        f"{CONTRACT}/test_vault_transport.py::test_what_answers_all_the_same"
    ),
    "any three of the printed shares combine": (
        f"{CONTRACT}/test_vault_vectors.py::test_that_a_real_server_printed"
    ),
    "starting and sealed is never 403": (f"{CONTRACT}/test_vault_transport.py::test_everything_else_says_so"),
    "overload is never 403": f"{UNIT}/http/test_listener.py::test_connections_over_the_limit_get_503",
    "audit devices are made where the configuration lets them": (
        f"{SCENARIO}/test_audit_devices.py::test_without_leave_of_the_configuration_the_api_adds_nothing"
    ),
}

COMPLAINTS = {
    "unsealing by hand after every restart": (
        f"{UNIT}/store/test_gpg_seal.py::test_opens_itself_after_a_crash"
    ),
    "recovery keys do not recover": f"{UNIT}/store/test_gpg_seal.py::test_can_be_opened_by_hand_too",
    "an audit device stalls everything": (
        f"{UNIT}/audit/test_audit_socket_sink.py::"
        "test_a_stalled_receiver_keeps_nobody_waiting_where_another_device_took_the_lines"
    ),
    "audit files grow": f"{UNIT}/audit/test_audit_file_sink.py::test_reopen_follows_log_rotation",
    "no search": f"{UNIT}/store/test_kv_search.py::test_what_is_searched_for_is_found_on_pages_of_any_size",
    "no recursive listing": f"{CONTRACT}/test_vault_transport.py::test_of_verbs_and_spellings",
    "no bulk read": (
        f"{UNIT}/store/test_bulk_read.py::test_each_entry_is_what_a_request_of_its_own_would_have_been_told"
    ),
    "tokens explode": (
        f"{UNIT}/store/test_token_purge.py::test_a_large_tree_is_dead_at_once_and_goes_in_small_changes"
    ),
    "logins of machines fill storage": (
        f"{UNIT}/store/auth/test_kubernetes.py::test_logins_leave_the_storage_as_it_was"
    ),
    "memory grows": f"{UNIT}/iam/test_lockout.py::test_memory_is_bounded_whatever_is_tried",
    "403 without a reason": f"{UNIT}/store/test_explain.py::test_the_deciding_rule_is_named",
    "policies confuse data/ and metadata/": (
        f"{UNIT}/store/test_explain.py::test_it_agrees_with_what_the_store_does"
    ),
    "finding the version of KV needs rights": (
        f"{CONTRACT}/test_vault_mounts.py::test_any_right_below_the_mount_is_enough"
    ),
    "the reviewer's token expires": (
        f"{UNIT}/store/auth/test_kubernetes.py::test_without_a_reviewer_a_pod_asks_for_itself"
    ),
    "a review for each login": (
        f"{UNIT}/store/auth/test_kubernetes.py::test_local_verification_asks_nobody_about_a_token"
    ),
    "max_versions 0 means 10": (
        f"{UNIT}/engines/test_kv2_metadata.py::test_a_warning_says_that_the_mount_wins"
    ),
    "backups are awkward": (
        f"{SCENARIO}/test_records_of_a_store.py::"
        "test_a_store_is_saved_while_it_is_written_to_and_comes_back_on_zookeeper"
    ),
    "odd options of a mount destroyed data": (
        f"{CONTRACT}/test_vault_mounts.py::test_odd_options_destroy_nothing"
    ),
    "no declarative set-up": "not offered: the API is idempotent enough for the tools that set stores up",
    "errors of size appear late": f"{CONTRACT}/test_vault_transport.py::test_a_body_has_at_most_1000_strings",
    "mlock breaks containers": (
        f"{UNIT}/process/test_hardening.py::test_a_refused_memory_lock_stops_the_start_and_says_what_to_do"
    ),
    "one commit for each write": f"{CONTRACT}/test_storage.py::test_batch_fails_change_by_change",
    "namespaces at scale": f"{UNIT}/store/test_namespaces_life.py::test_a_thousand_come_and_go",
    "features for subscribers only": "everything is in one program under one licence",
}


@pytest.mark.parametrize("trap", [*SURPRISES, *COMPLAINTS])
def test_each_has_a_test_or_a_reason(trap):
    named = (SURPRISES | COMPLAINTS)[trap]
    if "::" not in named:
        assert len(named.split()) > 5
        return
    file, _, name = named.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
