import { type Command, Option } from 'commander';
import { parseUuid } from '../../domain/ids.ts';
import { MEMBER_STATUSES } from '../../domain/member.ts';
import { example } from '../options.ts';
import { memberJson } from '../output/json.ts';
import { membersTable } from '../output/views.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';
import type { ImageMember } from '../wire.ts';

const SAMPLE_ID = '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10';

/** `image member add|list|set|remove`. */
export function registerImageMember(parent: Command, run: Run): void {
  const member = parent
    .command('member')
    .description('operators with whom a shared image is shared')
    .addHelpText('after', example(`entrepot image member add ${SAMPLE_ID} bob`));
  member
    .command('add')
    .description('offer an image to an operator, who may then show it, and accept or reject it')
    .argument('<image-id>', 'its UUID; its visibility must be shared')
    .argument('<member>', "the operator's name")
    .addHelpText('after', example(`entrepot image member add ${SAMPLE_ID} bob`))
    .action(
      run(async (session: Session, id: string, name: string) => {
        const imageId = parseUuid(id);
        report(session, await (await session.hub()).records.addMember(imageId, name));
      }),
    );
  member
    .command('list')
    .description('with whom an image is shared; who is not its owner sees itself')
    .argument('<image-id>', 'its UUID')
    .addHelpText('after', example(`entrepot image member list ${SAMPLE_ID}`))
    .action(
      run(async (session: Session, id: string) => {
        const imageId = parseUuid(id);
        const members = await (await session.hub()).records.listMembers(imageId);
        session.print({ text: membersTable(members), json: members.map(memberJson) });
      }),
    );
  member
    .command('set')
    .description('accept or reject an image that is shared with you')
    .argument('<image-id>', 'its UUID')
    .addOption(
      new Option('--status <status>', 'accepted: it is in your lists')
        .choices(MEMBER_STATUSES)
        .makeOptionMandatory(),
    )
    .option('--member <name>', 'for this member, as an admin; yourself when left out')
    .addHelpText('after', example(`entrepot image member set ${SAMPLE_ID} --status accepted`))
    .action(
      run(async (session: Session, id: string, options: { status: string; member?: string }) => {
        const imageId = parseUuid(id);
        const { records } = await session.hub();
        report(session, await records.setMember(imageId, options.member ?? '', options.status));
      }),
    );
  member
    .command('remove')
    .description('share an image with an operator no longer')
    .argument('<image-id>', 'its UUID')
    .argument('<member>', "the operator's name")
    .addHelpText('after', example(`entrepot image member remove ${SAMPLE_ID} bob`))
    .action(
      run(async (session: Session, id: string, name: string) => {
        const imageId = parseUuid(id);
        const removed = await (await session.hub()).records.removeMember(imageId, name);
        const text = `image ${removed.imageId} is no longer shared with ${removed.member}\n`;
        session.print({ text, json: memberJson(removed) });
      }),
    );
}

function report(session: Session, member: ImageMember): void {
  const text = `image ${member.imageId} is shared with ${member.member}: ${member.status}\n`;
  session.print({ text, json: memberJson(member) });
}
