/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast: carries out kelp's plans (PLAN.md). It decides nothing, and says nothing to people but its usage.
 */
#include "vm.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_INVALID = 2, EXIT_USAGE = 64, EXIT_NOT_A_PLAN = 65 };

static int say(const char *text, int status)
{
	write_all(2, text, strlen(text));
	return status;
}

static int run_plan(enum verb verb, const char *path)
{
	int status = launch(verb, path);

	return status == EXIT_NOT_A_PLAN ? say("holdfast: not a plan of this version\n", status) : status;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct plan plan;

	if (argc == 3 && strcmp(verb, "start") == 0)
		return run_plan(VERB_START, argv[2]);
	if (argc == 3 && strcmp(verb, "exec") == 0)
		return run_plan(VERB_EXEC, argv[2]);
	if (argc == 3 && strcmp(verb, "enter") == 0)
		return run_plan(VERB_ENTER, argv[2]);
	if (argc == 2 && strcmp(verb, "resume") == 0)
		reexec_resume();
	if (argc >= 6 && strcmp(verb, "attach") == 0)
		return client_attach(argc - 2, argv + 2);
	if (argc <= 3 && strcmp(verb, "probe") == 0)
		return probe(argv[2]);
	if (argc == 3 && strcmp(verb, "check") == 0)
		return plan_load(&plan, AT_FDCWD, argv[2]) == 0 ? 0 : EXIT_INVALID;
	return say("holdfast: usage: start|exec|enter|check PLAN, attach SOCKET STREAMS SIGNALS KEYS-HEX [START-FAILED...], probe [DIR]\n",
		   EXIT_USAGE);
}
